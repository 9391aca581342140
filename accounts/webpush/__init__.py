"""Messages to browsers by Web Push: encrypted for the browser alone (RFC 8291), signed with this house's key (RFC
8292), sent only to push services that are known (`services`)."""
