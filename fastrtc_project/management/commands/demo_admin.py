import os
import secrets

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

USERNAME = "admin"
PASSWORD_FILE = settings.BASE_DIR / ".demo-admin-password"


class Command(BaseCommand):
    help = "Makes the demo's admin user if there is none yet, and prints its name and password."

    def handle(self, *args, **options):
        user = get_user_model().objects.filter(username=USERNAME).first()
        password = PASSWORD_FILE.read_text().strip() if PASSWORD_FILE.exists() else ""
        if user is None:
            password = password or _store_new_password()
            get_user_model().objects.create_superuser(USERNAME, password=password)
        elif not user.check_password(password):
            self.stdout.write(
                f"Admin: user {USERNAME!r} has a password of its own; "
                f"set another with: .venv/bin/python manage.py changepassword {USERNAME}"
            )
            return
        self.stdout.write(f"Admin: user {USERNAME!r}, password {password!r} (kept in {PASSWORD_FILE.name})")


def _store_new_password() -> str:
    password = secrets.token_urlsafe(12)
    descriptor = os.open(PASSWORD_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password + "\n")
    return password
