"""No password of an address is shown, whatever its driver calls it."""

import pytest

from components.core.address import holds_secret, is_secret, without_secrets

SECRET = "hunter2"
WITH = [
    f"mysql+pymysql://reader@host/base?passwd={SECRET}",
    f"mysql+mysqldb://host/base?charset=utf8&passwd={SECRET}&ssl=1",
    f"postgresql+psycopg://reader@host/base?password={SECRET}",
    f"postgresql://host/base?sslpassword={SECRET}",
    f"mssql+pyodbc://host/base?PWD={SECRET}",
    f"mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BUID%3Dme%3BPWD%3D{SECRET}",
    f"mssql+pyodbc:///?odbc_connect=DRIVER%253Dx%253BPWD%253D{SECRET}",
    f"snowflake://me@account/base?token={SECRET}",
    f"snowflake://me@account/base?private_key_passphrase={SECRET}",
    f"trino://host/base?access%5Ftoken={SECRET}",
    f"bigquery://project?credentials_base64={SECRET}",
    f"https://me:{SECRET}@tracking.example.org/mlflow",
    f"https://me:a@{SECRET}@tracking.example.org/mlflow",
    f"https://tracking.example.org/mlflow?api_key={SECRET}#top",
]
WITHOUT = [
    "postgresql+psycopg://reader@host/base?passfile=/home/me/.pgpass&connect_timeout=10",
    "sqlite:////home/me/support.db",
    "mysql+pymysql://host/base?charset=utf8mb4",
    "http://127.0.0.1:5000",
]


@pytest.mark.parametrize("address", WITH)
def test_a_password_is_seen_and_not_shown(address: str) -> None:
    assert holds_secret(address)
    assert SECRET not in without_secrets(address)
    assert SECRET not in without_secrets(f"cannot connect to {address} (refused)")


@pytest.mark.parametrize("address", WITHOUT)
def test_what_is_no_password_stays(address: str) -> None:
    assert not holds_secret(address)
    assert without_secrets(address) == address.replace("reader@", "")


def test_words_of_settings() -> None:
    assert all(map(is_secret, ("passwd", "PASSWORD", "pwd", "ssl_password", "AccessToken")))
    assert not any(map(is_secret, ("charset", "passfile", "host", "ssl_ca")))
