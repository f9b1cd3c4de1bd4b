"""Put built layers together to an OCI image layout."""
