"""The ledger's tables; SQLite and PostgreSQL both hold them."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

METADATA = MetaData()

TESTS = Table(
    "shipway_test",
    METADATA,
    Column("app", String, primary_key=True),
    Column("layer", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("unit", String, nullable=False),
    Column("seconds", Float),
    Column("runs", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("flakes", Integer, nullable=False),
    Column("proven", Boolean, nullable=False),
    Column("first_seen", DateTime(timezone=True), nullable=False),
    Column("last_seen", DateTime(timezone=True), nullable=False),
    Column("last_failed", DateTime(timezone=True)),
    Column("revision", String, nullable=False),
    Column("passed_revision", String),
    Column("passed_log", Text),
    Column("failed_revision", String),
    Column("failed_log", Text),
)

PROOFS = Table(
    "shipway_proof",
    METADATA,
    Column("app", String, primary_key=True),
    Column("layer", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("revision", String, primary_key=True),
    Column("run", String, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("passed_log", Text, nullable=False),
    Column("failed_log", Text, nullable=False),
)

PASSED = Table(
    "shipway_passed",
    METADATA,
    Column("inputs", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("seconds", Float, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("shipway_passed_at", "at"),
)

GREEN = Table(
    "shipway_green",
    METADATA,
    Column("inputs", String, primary_key=True),
    Column("run", String, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("result", Text, nullable=False),
)
