"""The store of models: files are created once, under a name with their digest, and never overwritten."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from understudy.errors import StoreFailed

if TYPE_CHECKING:
    from obstore.store import S3Store

PLACE = {"AWS_REGION": "region", "AWS_ENDPOINT_URL": "endpoint"}
"""Keys of a Secret that say where the store is, as in `spec.artifact.secretRef`, and what obstore calls them."""


@dataclass(frozen=True)
class Stored:
    """A file in the store."""

    uri: str
    sha256: str


@dataclass(frozen=True)
class Store:
    """A folder of a bucket."""

    uri: str
    """`s3://bucket/folder`."""
    credentials: Mapping[str, str] | None = None
    """Those of a Secret, with its address. Without an access key in them, all comes from the variables `AWS_*` of the environment, or from
    the identity of the machine: an address from a Secret must not get somebody else's credentials."""
    endpoint: str | None = None
    """The address of the S3 server as this machine sees it, if it is another one than the cluster's."""

    def named(self, folder: str, kind: str, content: bytes) -> Stored:
        """Where the content belongs: `folder/<sha256>.<kind>`."""
        digest = hashlib.sha256(content).hexdigest()
        parts = urlsplit(self.uri)
        if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
            raise StoreFailed(f"store {self.uri!r}: use an address such as s3://bucket/folder")
        key = "/".join(part for part in (parts.path.strip("/"), folder, f"{digest}.{kind}") if part)
        return Stored(f"s3://{parts.netloc}/{key}", digest)

    def put(self, folder: str, kind: str, content: bytes) -> Stored:
        """Stores the content, or finds it there.

        Raises:
            StoreFailed: it could not be stored, or something else has its name.
        """
        stored = self.named(folder, kind, content)
        uri, digest, key = stored.uri, stored.sha256, urlsplit(stored.uri).path.lstrip("/")
        bucket = self._bucket()
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            bucket.put(key, content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            self._compare(bucket, key, uri, digest)
        except (BaseError, OSError) as error:
            raise StoreFailed(f"failed to store {uri}: {_reason(error)}; {_advice(error)}") from error
        return stored

    def _compare(self, bucket: S3Store, key: str, uri: str, digest: str) -> None:
        """Somebody has stored this name before: usually an earlier call that was cut short."""
        from obstore.exceptions import BaseError

        try:
            there = hashlib.sha256()
            for part in bucket.get(key):
                there.update(part)
        except (BaseError, OSError) as error:
            raise StoreFailed(
                f"{uri} exists, and it cannot be read for a comparison: {_reason(error)}; {_advice(error)}"
            ) from error
        if there.hexdigest() != digest:
            raise StoreFailed(
                f"{uri} exists with another content (sha256 {there.hexdigest()}): somebody wrote there by hand. Find out who, and remove the object"
            )

    def _bucket(self) -> S3Store:
        from datetime import timedelta

        from obstore.store import S3Store

        options: dict[str, Any] = {}
        given = {key: value for key, value in (self.credentials or {}).items() if value}
        if "AWS_ACCESS_KEY_ID" in given:
            options = {option: given[key] for key, option in PLACE.items() if key in given}
            # Not as options: what is missing there would come from the environment, such as the token of another session.
            options["credential_provider"] = lambda: {
                "access_key_id": given["AWS_ACCESS_KEY_ID"],
                "secret_access_key": given.get("AWS_SECRET_ACCESS_KEY", ""),
                "token": given.get("AWS_SESSION_TOKEN"),
                "expires_at": None,
            }
        if self.endpoint:
            options["endpoint"] = self.endpoint
        retry = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}
        client: dict[str, Any] = {"timeout": timedelta(minutes=10), "connect_timeout": timedelta(seconds=10), "allow_http": True}
        return S3Store(urlsplit(self.uri).netloc, client_options=client, retry_config=retry, **options)  # type: ignore[arg-type]


def _reason(error: BaseException) -> str:
    """The first line of the error, which says what happened. The rest repeats it for developers."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _advice(error: BaseException) -> str:
    kind = type(error).__name__
    if kind in {"PermissionDeniedError", "UnauthenticatedError"}:
        return "check the credentials: the store's Secret, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if kind == "NotFoundError":
        return "create the bucket, or correct the address of the store"
    return "nothing was published; once the store answers, the same call goes on"
