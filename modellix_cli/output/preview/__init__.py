"""Pictures, frames of videos and waveforms of sounds, drawn in the terminal."""
