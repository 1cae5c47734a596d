"""`cemsynth models`: list, describe, import, verify and remove generators."""

import argparse
import json
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser("models", help="list, import, verify and remove generators")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the models that are there")
    listing.set_defaults(run=run_list)
    for name, help_text, run in (
        ("info", "what the card of a model says", run_info),
        ("verify", "check a model completely: card, checksum, names, shapes and values of the weights", run_verify),
        ("remove", "delete a model from the user's model folder", run_remove),
    ):
        action = actions.add_parser(name, help=help_text)
        action.add_argument("model", metavar="M", help="name of a model, or a model folder")
        action.set_defaults(run=run)
    importing = actions.add_parser("import", help="check a model and copy it into the user's model folder")
    importing.add_argument(
        "source",
        type=Path,
        metavar="FILE",
        help="a model folder, a .safetensors file, or a *_net_G*.pth checkpoint of the reference CycleGAN / pix2pix",
    )
    importing.add_argument("--card", type=Path, metavar="JSON", help="the model card of a file")
    importing.add_argument("--name", metavar="N", help="name in the model folder (default: the name in the card)")
    importing.set_defaults(run=run_import)


def run_list(arguments: argparse.Namespace) -> int:
    """Print one line a model; 2 where a card cannot be read."""
    from CEMSynthLib.generator.store import list_models, models_folder

    models = list_models()
    for model in models:
        place = "shipped" if model.shipped else "yours"
        if model.card is None:
            print(f"{model.name:24} {place:8} {model.problem}")
            continue
        card = model.card
        network = f"{card.architecture.type} {card.architecture.depth} x {card.architecture.base_filters}"
        learned = "simulated images only" if card.training.simulated_only else "images of patients"
        print(f"{model.name:24} {place:8} {card.name} {card.version}, {network}, {learned}")
    print(f"Your model folder: {models_folder()}")
    return 2 if any(model.problem for model in models) else 0


def run_info(arguments: argparse.Namespace) -> int:
    """Print the card, long lists shortened."""
    from CEMSynthLib.generator.card import load_card
    from CEMSynthLib.generator.store import find_model

    folder = find_model(arguments.model)
    print(f"Folder: {folder}")
    print(json.dumps(_shortened(json.loads(load_card(folder).to_json())), indent=2, ensure_ascii=False))
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Check a model; what is wrong is an error."""
    from CEMSynthLib.generator.store import find_model
    from CEMSynthLib.generator.store_import import verify_model

    card = verify_model(find_model(arguments.model))
    print(f"{card.name} {card.version} is right: card, checksum, and names, shapes and values of the weights.")
    return 0


def run_import(arguments: argparse.Namespace) -> int:
    """Import a model."""
    from CEMSynthLib.generator.store_import import import_model

    folder = import_model(arguments.source, arguments.name, arguments.card)
    print(f"Imported as '{folder.name}'; use it with --model {folder.name}")
    return 0


def run_remove(arguments: argparse.Namespace) -> int:
    """Delete a model."""
    from CEMSynthLib.generator.store import remove_model

    print(f"Removed {remove_model(arguments.model)}")
    return 0


def _shortened(value: object, longest: int = 6) -> object:
    if isinstance(value, dict):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, list) and len(value) > longest:
        return [*(_shortened(inner) for inner in value[:longest]), f"... and {len(value) - longest} more"]
    return value
