"""Who may speak to the instance in somebody's name: OAuth clients and their tokens, API keys.

No secret stands here that would let anybody in: of tokens and keys a digest is kept, of a client's secret a hash.
"""

from typing import Final

from node.instance.base_tables.making import flag, instant, number, reference, text, typed, word
from node.instance.dictionary import FieldType, Table

ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - a kind of token
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - likewise

ACCESS_S: Final = 1_800
REFRESH_S: Final = 8_640_000
"""How long tokens count, unless the client says otherwise: half an hour, a hundred days."""

OAUTH_CLIENT: Final = Table(
    name="oauth_entity",
    label="Application Registry",
    fields=(
        text("name", "Name", 100, is_mandatory=True),
        text("client_id", "Client ID", 64, is_unique=True),
        typed("client_secret", "Client Secret", FieldType.PASSWORD, length_max=256),
        reference("user", "OAuth Application User", "sys_user"),
        flag("active", "Active", "true"),
        number("access_token_lifespan", "Access Token Lifespan", default=str(ACCESS_S)),
        number("refresh_token_lifespan", "Refresh Token Lifespan", default=str(REFRESH_S)),
        text("comments", "Comments", 4000),
    ),
)

OAUTH_TOKEN: Final = Table(
    name="oauth_credential",
    label="OAuth Credential",
    fields=(
        text("name", "Name", 100, is_read_only=True),
        word("type", "Type", {ACCESS_TOKEN: "Access Token", REFRESH_TOKEN: "Refresh Token"}, is_read_only=True),
        typed("token", "Token", FieldType.PASSWORD, length_max=64, is_read_only=True, is_indexed=True),
        instant("expires", "Expires", is_read_only=True, is_indexed=True),
        reference("user", "User", "sys_user", is_read_only=True, is_indexed=True),
        reference("peer", "Peer", "oauth_entity", is_read_only=True),
    ),
)

API_KEY: Final = Table(
    name="api_key",
    label="REST API Key",
    fields=(
        text("name", "Name", 100),
        typed("token", "Token", FieldType.PASSWORD, length_max=64, is_read_only=True, is_indexed=True),
        reference("user", "User", "sys_user", is_read_only=True, is_indexed=True),
        instant("expires", "Expires"),
        flag("active", "Active", "true"),
    ),
)

ACCESS_TABLES: Final = (OAUTH_CLIENT, OAUTH_TOKEN, API_KEY)
