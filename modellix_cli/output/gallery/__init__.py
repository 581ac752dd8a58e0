"""The gallery: one HTML page over what tasks made. It needs nothing but itself and the media."""
