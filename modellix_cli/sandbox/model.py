"""What a model of the sandbox is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from modellix_cli.domain.jsontext import Json, JsonObject
from modellix_cli.sandbox.faults import Fault, Kind
from modellix_cli.sandbox.parameters import Order, read_order
from modellix_cli.sandbox.prices import MICRO, Price
from modellix_cli.sandbox.schema import Schema

DOCS: Final = "https://docs.modellix.ai"
UNLISTED_COST: Final = 0.02
"""What a task costs in USD where the list gives no price."""

_PROVIDER_PAGES: Final = {"black-forest-labs": "bfl"}


@dataclass(frozen=True)
class Model:
    """A model: what it is, what it costs (None: the list does not say) and takes.

    `fault` is how it behaves, also where nothing is wrong.
    """

    description: str
    price: Price | None
    fault: Fault
    properties: Mapping[str, Schema]
    required: tuple[str, ...]
    example: Mapping[str, Json]
    """A body that it accepts: its required parameters."""
    featured: bool = False

    @property
    def slug(self) -> str:
        """`provider/model`."""
        return self.fault.slug

    @property
    def type(self) -> str:
        """The task type, as on the older routes."""
        return self.fault.type

    @property
    def category(self) -> str:
        """`image`, `video` or `audio`, as the public list groups them."""
        if "speech" in self.type:
            return "audio"
        return "video" if self.type.endswith("video") else "image"

    @property
    def page(self) -> str:
        """The path of the model's page below the documentation; it is not the slug."""
        provider, _, name = self.slug.partition("/")
        return f"{_PROVIDER_PAGES.get(provider, provider)}/{name.replace('.', '-')}"

    @property
    def docs_url(self) -> str:
        """The address of the model's page."""
        return f"{DOCS}/{self.page}"

    def order(self, body: JsonObject) -> Order:
        """Return what a body asks for. Refuses (400) one that the schema does not allow."""
        return read_order(self.slug, self.properties, self.required, body)

    def cost(self, order: Order) -> int:
        """Return what a task costs, in millionths of a dollar."""
        return self.price.micro_dollars(order) if self.price else round(UNLISTED_COST * MICRO)

    def entry(self) -> JsonObject:
        """Return the model as the model list shows it."""
        entry: JsonObject = {
            "slug": self.slug,
            "type": self.type,
            "docs_url": self.docs_url,
            "description": self.description,
        }
        return entry | ({"price": self.price.document()} if self.price else {})

    def schema(self) -> JsonObject:
        """Return the JSON schema of the body."""
        return {
            "type": "object",
            "properties": dict(self.properties),
            "required": list(self.required),
        }


def model(
    slug: str,
    task_type: str,
    description: str,
    price: Price | None,
    takes: Mapping[str, Schema],
    *,
    needs: tuple[str, ...] = ("prompt",),
    makes: Kind = "image",
    star: bool = False,
) -> Model:
    """Return a model that behaves; `makes` is what its results are."""
    seconds = 5.0 if makes == "video" else 2.0
    fault = Fault(slug, description, task_type, makes, seconds=seconds)
    return Model(description, price, fault, takes, needs, example(takes, needs), star)


def example(takes: Mapping[str, Schema], needs: tuple[str, ...]) -> JsonObject:
    """Return a body with a value for each required parameter."""
    return {name: _example_value(name, takes[name]) for name in needs}


def _example_value(name: str, schema: Schema) -> Json:
    if schema["type"] == "array":
        return [_example_value(name, schema["items"])]
    if schema.get("format") == "uri":
        endings = {"audio": "mp3", "video": "mp4", "url": "mp3"}
        ending = next((end for word, end in endings.items() if name.startswith(word)), "png")
        return f"https://example.com/input.{ending}"
    return schema.get("default", "a cat")
