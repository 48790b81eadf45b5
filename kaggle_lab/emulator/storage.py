"""Files behind signed links: of datasets, models, competitions and submissions, one by one or packed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from .archives import pack
from .http_base import BaseHandler
from .http_streams import send_file
from .outputs import LinkError
from .world import World

ARCHIVES, FILES, SUBMISSIONS = "archives", "files", "submissions"
_GONE = ("NoSuchKey", "The specified key does not exist.")


def file_link(world: World, bundle_id: int, name: str) -> str:
    """A link to one file of a bundle, for as long as the settings say."""
    return _link(world, f"{FILES}/{bundle_id}", name)


def archive_link(world: World, bundle_id: int, name: str) -> str:
    """A link to an archive of a whole bundle, made when it is first asked for; `name` tells its kind."""
    return _link(world, f"{ARCHIVES}/{bundle_id}", name)


def submission_link(world: World, submission_id: int, name: str) -> str:
    return _link(world, f"{SUBMISSIONS}/{submission_id}", name)


def _link(world: World, place: str, name: str) -> str:
    return world.base_url + world.links.storage_path(place, name, world.settings.output_link_expiry_s)


class StorageHandler(BaseHandler):
    """`/kaggle-storage/{kind}/{number}/{file}`; fault rules know it as `StorageFile`."""

    async def head(self, kind: str, number: str, name: str) -> None:
        await self.get(kind, number, name)

    async def get(self, kind: str, number: str, name: str) -> None:
        self.call = "StorageFile"
        fault = await self.take_fault()
        if fault is not None and self.spoil(fault, work_is_done=False):
            return
        try:
            await self._send_stored(kind, int(number), name)
        except LinkError as error:
            self.refuse_link(error)

    async def _send_stored(self, kind: str, number: int, name: str) -> None:
        self.expire_link()
        self.world.links.check(
            f"{kind}/{number}",
            name,
            self.get_query_argument("expires", ""),
            self.get_query_argument("signature", ""),
        )
        if self.world.settings.download_latency_s:
            await asyncio.sleep(self.world.settings.download_latency_s)
        try:
            path = await self._path(kind, number, name)
            await send_file(self, path, self.world.settings.download_rate_bytes_s, self.fault)
        except (OSError, LookupError):
            raise LinkError(404, *_GONE) from None

    async def _path(self, kind: str, number: int, name: str) -> Path:
        if kind == SUBMISSIONS:
            return self.world.competitions.file(number, name)
        folder = self.world.bundles.files(number)
        if kind == FILES:
            found = self.world.listings.find(folder, name)
            if found is None:
                raise LinkError(404, *_GONE)
            return found.path
        archive = self.world.bundles.archive(number, name)
        if not archive.exists():
            files = [(file.path, file.name) for file in self.world.listings.of(folder)]
            await asyncio.to_thread(pack, files, archive)
        return archive
