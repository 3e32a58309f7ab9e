"""What the command line means: models, recipes, and what goes before what."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from convert.errors import TrainingError
from convert.training.arguments import architecture_of, parse_arguments, recipe_of
from convert.training.augmentation import Augmentation
from convert.training.family import FAMILY
from convert.training.parser import build_parser
from convert.training.presets import DEFAULTS, FOLDER_OPTIONS, PRESETS, resolved
from convert.training.recipe import Recipe


def parsed(*words):
    return parse_arguments(None, ["--data", "photos", *words])


def test_defaults_are_those_of_the_bundled_model():
    options = parsed()
    assert (options.name, options.out) == ("minivgg", Path("runs/minivgg"))
    assert architecture_of(options) == FAMILY["minivgg"]
    assert recipe_of(options) == Recipe()


def test_name_and_folder_follow_the_model():
    options = parsed("--model", "minivgg-nano")
    assert (options.name, options.out) == ("minivgg-nano", Path("runs/minivgg-nano"))
    options = parsed("--model", "minivgg-nano", "--name", "birds", "-o", "here")
    assert (options.name, options.out) == ("birds", Path("here"))


def test_options_change_the_named_architecture():
    options = parsed("--model", "minivgg-small", "--blocks", "8|16,16", "--head-dropout", "0.5")
    architecture = architecture_of(options)
    assert architecture.blocks == ((8,), (16, 16))
    assert (architecture.head, architecture.head_dropout) == ("gap", 0.5)
    assert architecture_of(parsed("--size", "48")).height == 48


def test_an_option_goes_before_the_recipe_and_the_recipe_before_the_defaults():
    long = recipe_of(parsed("--recipe", "long"))
    assert long.epochs == PRESETS["long"].options["epochs"] != Recipe().epochs
    assert recipe_of(parsed("--recipe", "long", "--epochs", "7")).epochs == 7
    # A value that is said counts even where it is that of the defaults.
    default = DEFAULTS["epochs"]
    assert recipe_of(parsed("--recipe", "long", "--epochs", str(default))).epochs == default


def test_class_weights_can_be_refused():
    assert (
        recipe_of(parsed("--class-weights", "none"), class_weights=(0.5, 1.5)).class_weights == ()
    )


@pytest.mark.parametrize("name", list(PRESETS))
def test_recipes_name_known_options_and_are_valid(name):
    assert PRESETS[name].options.keys() <= DEFAULTS.keys()
    assert resolved(name, {}).keys() == DEFAULTS.keys()
    recipe_of(parsed("--recipe", name))
    assert FOLDER_OPTIONS.keys() <= DEFAULTS.keys()
    recipe_of(parsed("--recipe", name), folder_count=40)


def test_every_option_reaches_the_recipe():
    words = [
        *("--epochs", "3", "--batch-size", "7", "--learning-rate", "0.5", "--weight-decay", "0.25"),
        *("--label-smoothing", "0.2", "--ema-decay", "0.5", "--no-flip", "--cutout", "0.1"),
        *("--jitter", "0.3", "--mixup", "0.4", "--cutmix", "0.6", "--branches", "rep"),
        *("--precision", "bfloat16", "--seed", "9", "--teacher", "t.keras"),
        *("--rotate", "20", "--zoom", "0.5", "--blur", "1.5"),
        *("--normalization-momentum", "0.8"),
        *("--patience", "4", "--mix-probability", "0.25", "--progressive", "0.3"),
        *("--teacher-weight", "0.7", "--temperature", "2", "--teacher-views", "repeated"),
        *("--teacher-rounds", "5", "--teacher-sees", "same", "--clear-epochs", "1"),
        *("--clear-share", "0.3"),
    ]
    weights = (0.5, 1.5)
    recipe = asdict(recipe_of(parsed(*words), teacher_sha256="ab", class_weights=weights))
    assert recipe == {
        "epochs": 3,
        "batch_size": 7,
        "learning_rate": 0.5,
        "warmup_epochs": 0.75,
        "momentum": 0.9,
        "weight_decay": 0.25,
        "label_smoothing": 0.2,
        "ema_decay": 0.5,
        "normalization_momentum": 0.8,
        "seed": 9,
        "augmentation": {
            "crop_fraction": 0.125,
            "flip": False,
            "cutout_fraction": 0.1,
            "jitter": 0.3,
            "rotate_deg": 20.0,
            "zoom": 0.5,
            "blur": 1.5,
        },
        "mixing": {"mixup": 0.4, "cutmix": 0.6, "probability": 0.25},
        "clear_epochs": 1,
        "clear_share": 0.3,
        "branches": "rep",
        "precision": "bfloat16",
        "progressive": 0.3,
        "distillation": {
            "teacher_sha256": "ab",
            "weight": 0.7,
            "temperature": 2.0,
            "views": "repeated",
            "rounds": 5,
            "sees": "same",
        },
        "patience": 4,
        "class_weights": (0.5, 1.5),
    }


@pytest.mark.parametrize(
    ("words", "sees"),
    [
        ([], "same"),
        (["--jitter", "0.1"], "clear"),
        (["--blur", "1", "--teacher-views", "repeated"], "clear"),
        (["--blur", "1", "--teacher-sees", "same"], "same"),
        (["--jitter", "0.1", "--teacher-views", "cached"], "same"),
    ],
)
def test_a_teacher_sees_clear_pictures_where_the_student_does_not(words, sees):
    """Where it makes no difference the recipe is that of before there was a choice."""
    recipe = recipe_of(parsed("--teacher", "t.keras", *words), teacher_sha256="ab")
    assert recipe.distillation.sees == sees
    assert recipe.shows_clear == (sees == "clear")


@pytest.mark.parametrize("sees", ["same", "clear"])
def test_what_a_teacher_sees_must_make_a_difference(sees):
    words = parsed("--teacher", "t.keras", "--teacher-sees", sees)
    with pytest.raises(TrainingError, match="--teacher-sees needs --jitter or --blur"):
        recipe_of(words, teacher_sha256="ab")
    assert recipe_of(words, teacher_sha256="ab", folder_count=99).distillation.sees == sees


def test_clear_epochs_must_make_a_difference():
    words = parsed("--clear-epochs", "3")
    with pytest.raises(TrainingError, match="--clear-epochs needs --mixup, --cutmix, --jitter or"):
        recipe_of(words)
    assert recipe_of(words, folder_count=99).clear_epochs == 3
    assert recipe_of(parsed("--clear-epochs", "3", "--mixup", "1")).clear_epochs == 3
    with pytest.raises(TrainingError, match="expected 0 to 30 clear epochs"):
        recipe_of(parsed("--clear-epochs", "31", "--mixup", "1"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--clear-epochs", "30", "--clear-share", "0.5"], "30 epochs, the last 30 clear"),
        (
            ["--clear-epochs", "3", "--clear-share", "0.5", "--progressive", "0.9"],
            "the last 3 clear, the first 27 smaller",
        ),
        (["--clear-epochs", "3", "--clear-share", "0"], "expected a clear share in 0..1"),
        (["--clear-epochs", "3", "--clear-share", "1.1"], "expected a clear share in 0..1"),
        (["--clear-epochs", "3", "--clear-share", "nan"], "expected a clear share in 0..1"),
    ],
)
def test_a_share_of_clear_epochs_must_lie_between_two_averages(words, message):
    with pytest.raises(TrainingError, match=message):
        recipe_of(parsed("--jitter", "0.5", *words))


def test_epochs_behind_the_last_are_those_of_a_run_that_goes_on():
    """`benchmarks.ablations.step_times` takes steps for as long as it measures."""
    words = ["--epochs", "5", "--mixup", "1", "--jitter", "0.5"]
    for clear, expected in (("0", []), ("2", [3, 4])):
        recipe = recipe_of(parsed(*words, "--clear-epochs", clear))
        assert [epoch for epoch in range(9) if recipe.is_clear(epoch)] == expected
        assert recipe.mixing_in(7) == recipe.mixing
        assert recipe.augmentation_in(7) == recipe.augmentation


def test_photos_are_shown_dark_blurred_turned_and_nearer():
    assert recipe_of(parsed(), folder_count=40).augmentation == Augmentation(
        jitter=0.5, blur=1.0, rotate_deg=15.0, zoom=0.15
    )
    assert recipe_of(parsed()).augmentation == Augmentation()
    help_text = " ".join(build_parser(None).format_help().split())
    assert "(default: 0.0; for a folder of images: 0.5)" in help_text
    assert "(default: 128; for a folder of images: by their number, 16 to 128)" in help_text


def test_units_of_a_dense_head_need_one():
    assert architecture_of(parsed("--dense-units", "64")).dense_units == 64
    grown = parsed("--dense-units", "64", "--size", "64")
    with pytest.raises(TrainingError, match="has not at 64 pixels: add --head dense"):
        architecture_of(grown)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--temperature", "2"], "--temperature needs --teacher"),
        (["--teacher-views", "cached"], "--teacher-views needs --teacher"),
        (["--teacher", "t.keras", "--teacher-rounds", "3"], "needs --teacher-views repeated"),
        (["--teacher-sees", "clear"], "--teacher-sees needs --teacher"),
        (
            ["--teacher", "t.keras", "--teacher-views", "cached", "--teacher-sees", "same"],
            "--teacher-sees needs --teacher-views live or repeated",
        ),
        (["--mix-probability", "0.5"], "--mix-probability needs --mixup or --cutmix"),
        (["--model", "resnet"], "invalid choice: 'resnet'"),
        (["--name", "a/b"], "expected a name of letters, digits, '.', '_' and '-', got 'a/b'"),
        (["--size", "225"], "expected auto or a side of at most 224 pixels, got '225'"),
        (["--patience", "-1"], "expected an integer of at least 0, got '-1'"),
        (["--cache", "here", "--no-cache"], "not allowed with argument --cache"),
        (["--train-count", "0"], "expected an integer of at least 1, got '0'"),
    ],
)
def test_usage_errors(capsys, words, message):
    with pytest.raises(SystemExit) as ended:
        parsed(*words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
