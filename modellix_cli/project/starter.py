"""The file that `project init` writes: every setting, explained and switched off."""

from typing import Final

STARTER: Final = """\
# Settings of this project for modellix-cli. It looks for this file here and in the folders above.
# Remove the "# " before a line to use it. See what is in force with: modellix-cli project show
# Keys, addresses and profiles do not belong here: this file may be shared.

# The model to run where none is named: modellix-cli model run "waves at dawn", and in batches.
# model = "bytedance/seedream-4.5-t2i"

# How results are written: "human" or "json".
# output = "human"

# Where results are saved, inside this folder, and under which names.
# output_dir = "pictures"
# name_template = "{prompt}-{short_id}.{ext}"

# At most this much, in US dollars, is spent within the period.
# [budget]
# limit = "25.00"
# period = "24h"

# What a model gets unless -p says otherwise. Not for bodies that are given as JSON.
# [models."google/veo-3.1-fast-t2v".parameters]
# duration = 8
# aspect_ratio = "16:9"

# What modellix-cli model run @banner "spring sale" runs. {prompt} is the text that is given.
# [presets.banner]
# model = "bytedance/seedream-4.5-t2i"
# prompt = "A wide banner for {prompt}, flat colours, no text"
# output_dir = "banners"
#
# [presets.banner.parameters]
# size = "2K"
"""
