"""Groups of options as values."""

from modellix_cli.options.saving import BatchSaving, Saving


def test_what_saves_nothing_has_no_words() -> None:
    assert Saving(overwrite=True).words() == ()


def test_the_options_that_were_chosen_are_words_to_save_with_later() -> None:
    saving = Saving(output_dir="a b", overwrite=True, allow_insecure_http=True, max_bytes=5)
    assert saving.words() == (
        *("--output-dir", "a b", "--overwrite", "--allow-insecure-http", "--max-bytes", "5"),
    )


def test_a_batch_names_its_template_as_task_download_has_another() -> None:
    words = BatchSaving(output_dir="x").words()
    assert words == ("--output-dir", "x", "--name-template", "{index}-{task_id}.{ext}")
