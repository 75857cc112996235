"""Those who knock at a server's doors: each with the cookies and tickets they have."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings as ours

from rtc.tickets import make_ticket
from tests.live.servers import ROOT, Server, environment

SCRIPT = """
import json
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

def cookie(user):
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value

found = {}
for name, is_staff in (("ann", False), ("bob", False), ("staff", True), ("clerk", True)):
    user = User.objects.create_user(name, is_staff=is_staff)
    found[name] = [user.pk, cookie(user)]
may_view = Permission.objects.get(codename="view_session", content_type__app_label="rtc")
User.objects.get(username="staff").user_permissions.add(may_view)
browser = SessionStore()
browser["basket"] = 1
browser.create()
found["browser"] = [None, browser.session_key]
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    pk: int | None = None
    cookie: str = ""
    ticket: Callable[[str], str] | None = None
    """Makes a fresh ticket for a stream."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"sessionid={self.cookie}"} if self.cookie else {}


def make_people(server: Server, settings: str) -> dict[str, Person]:
    """Put them into the database of a server that shares our SECRET_KEY: one with no cookie (`nobody`), one with a
    Django session and no login (`browser`), users, two of them staff, one of these with the view permission, and one
    with tickets in the name of ann.
    """
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", SCRIPT],
        cwd=ROOT,
        env=environment(server.database, settings, {"SECRET_KEY": ours.SECRET_KEY}),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    people = {name: Person(name, pk, cookie) for name, (pk, cookie) in found.items()}
    people["nobody"] = Person("nobody")
    people["ticket"] = Person("ticket", ticket=lambda stream: make_ticket(stream, people["ann"]))
    return people
