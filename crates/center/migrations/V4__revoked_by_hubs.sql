-- When the hub that vouches for a device took it off its list; none while it is on it.
ALTER TABLE vouches ADD COLUMN revoked_ms INTEGER;
