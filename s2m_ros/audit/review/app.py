"""The server of the review page: loopback only, one store, no state but the labels."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from s2m_ros.audit.review import export, views
from s2m_ros.audit.review.labels import Label, Labels, checked, track_key
from s2m_ros.store.index import read
from s2m_ros.store.reader import Store
from s2m_ros.types import InputError
from s2m_ros.wire import topics
from s2m_ros.wire.candidates import score_png

STATIC = Path(__file__).with_name("static")
LOOPBACK = "127.0.0.1"
HOSTS = ["127.0.0.1", "localhost"]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ASKED = "x-s2m-review"
"""Header that our page sends with what changes something, and a foreign page cannot."""


class Desk:
    """A store, its labels, and where exports go; one request at a time looks into it."""

    def __init__(self, store: Store, out: Path) -> None:
        self.store = store
        self.labels = Labels(store.path)
        self.out = out
        self.lock = threading.Lock()
        self._stamps: dict[str, list[int]] = {}

    def stamp(self, request: Request) -> tuple[str, int]:
        """Camera and stamp of ``/{camera}/{index}``; LookupError when there is no such frame."""
        camera, index = request.path_params["camera"], request.path_params["index"]
        if camera not in self._stamps:
            if camera not in self.store.cameras:
                raise LookupError(camera)
            self._stamps[camera] = self.store.frames(camera)
        return camera, self._stamps[camera][index]


def make_app(store: Store, out: Path) -> Starlette:
    """The application. The store must stay open as long as it runs."""
    desk = Desk(store, out)

    def drive(request: Request) -> Response:
        return JSONResponse(views.drive(store, desk.labels))

    def frame(request: Request) -> Response:
        camera, stamp_ns = desk.stamp(request)
        shown = views.frame(store, camera, stamp_ns, desk.labels)
        return JSONResponse(shown) if shown is not None else _missing("no such frame")

    def picture(request: Request) -> Response:
        found = _stored(*desk.stamp(request), topics.picture)
        return _picture(bytes(found.data), "image/jpeg")

    def score(request: Request) -> Response:
        found = _stored(*desk.stamp(request), topics.score_picture, topics.score_png)
        return _picture(score_png(found, "the score map"), "image/png")

    def _stored(camera: str, stamp_ns: int, *of: Callable[[str], str]) -> Any:
        found = next(iter(store.messages([t(camera) for t in of], stamp_ns, stamp_ns)), None)
        if found is None:
            raise LookupError("no such picture")
        return read(found)

    def chain(request: Request) -> Response:
        return JSONResponse(views.chain(store, request.path_params["track"]))

    def label(request: Request, given: Any) -> Response:
        said: Label = checked(given)
        desk.labels.set(track_key(int(given["track"])), said)
        return JSONResponse(views.tracks(store, desk.labels))

    def write(request: Request, given: Any) -> Response:
        kinds = {"coco": export.write_coco, "training": export.write_training}
        made = kinds[given["kind"]](store, desk.labels, desk.out / str(given["kind"]))
        return JSONResponse(
            {"path": str(made.path), "images": made.images, "objects": made.objects}
        )

    def look(answer: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        def held(request: Request) -> Response:
            with desk.lock:
                return answer(request)

        async def endpoint(request: Request) -> Response:
            try:
                return await run_in_threadpool(held, request)
            except (LookupError, InputError) as error:
                return _missing(str(error))

        return endpoint

    def change(
        answer: Callable[[Request, Any], Response],
    ) -> Callable[[Request], Awaitable[Response]]:
        def held(request: Request, given: Any) -> Response:
            with desk.lock:
                return answer(request, given)

        async def endpoint(request: Request) -> Response:
            if ASKED not in request.headers:
                return JSONResponse({"error": "not asked by the review page"}, 403)
            try:
                return await run_in_threadpool(held, request, json.loads(await request.body()))
            except (LookupError, ValueError, TypeError) as error:
                return JSONResponse({"error": f"cannot be used: {error}"}, 400)

        return endpoint

    async def page(request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    return Starlette(
        routes=[
            Route("/", page),
            Route("/api/drive", look(drive)),
            Route("/api/frame/{camera}/{index:int}", look(frame)),
            Route("/api/picture/{camera}/{index:int}", look(picture)),
            Route("/api/score/{camera}/{index:int}", look(score)),
            Route("/api/chain/{track:int}", look(chain)),
            Route("/api/label", change(label), methods=["POST"]),
            Route("/api/export", change(write), methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS),
            Middleware(Guard),
        ],
    )


class Guard:
    """Says with each answer what a page may do, and that it is not kept unless it says so.

    Answers are not packed: they go to this machine alone, where packing costs more than it saves.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = POLICY
                headers["x-content-type-options"] = "nosniff"
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, guarded)


def _picture(data: bytes, media: str) -> Response:
    return Response(data, media_type=media, headers={"cache-control": "private, max-age=3600"})


def _missing(what: str) -> Response:
    return JSONResponse({"error": what}, 404)
