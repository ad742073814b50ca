"""`helpdesk api`: the public API, described."""

import click


@click.group()
def api() -> None:
    """The public API, described."""


@api.command("schema")
def print_schema() -> None:
    """Print the OpenAPI document; docs/reference/openapi.json is what this prints."""
    import json

    from helpdesk.app import api_document

    click.echo(json.dumps(api_document(), indent=1, ensure_ascii=False))
