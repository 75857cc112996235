"""Finding the sessions of an id, in a project whose users have UUIDs for keys."""

import os
import subprocess
import sys

MODELS = """
import uuid
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models

class Person(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=20, unique=True)
    USERNAME_FIELD = "name"
"""
SETTINGS = """
SECRET_KEY = "for tests only"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "people", "rtc"]
AUTH_USER_MODEL = "people.Person"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "people.sqlite3"}}
RTC_STREAMS = {}
USE_TZ = True
"""
SCRIPT = """
import asyncio
import django
django.setup()
from django.core.management import call_command
from people.models import Person
from rtc.answers import Refusal
from rtc.models import Session
from rtc.ownership import Claim, session_for

call_command("migrate", run_syncdb=True, verbosity=0)
ann, bob = Person.objects.create(name="ann"), Person.objects.create(name="bob")
pk = Session.objects.create(session_id="a", stream="default", user=ann).pk
assert asyncio.run(session_for(Claim(user=ann), "a")).pk == pk
try:
    asyncio.run(session_for(Claim(user=bob), "a"))
except Refusal as refusal:
    assert refusal.status == 403
else:
    raise AssertionError("it is not bob's")
"""


def test_an_owner_with_a_uuid_for_a_key(tmp_path):
    people = tmp_path / "people"
    people.mkdir()
    (people / "__init__.py").touch()
    (people / "models.py").write_text(MODELS)
    (people / "settings.py").write_text(SETTINGS)
    root = os.path.dirname(os.path.dirname(__file__))
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "people.settings", "PYTHONPATH": f"{tmp_path}:{root}"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
