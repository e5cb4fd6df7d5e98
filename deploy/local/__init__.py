"""The portal on one machine: embedded PostgreSQL and Valkey, and a supervisor for what runs on them."""
