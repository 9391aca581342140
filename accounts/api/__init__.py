"""What every app's API stands on: sign-in, strict reading, one shape of errors, the OpenAPI document."""
