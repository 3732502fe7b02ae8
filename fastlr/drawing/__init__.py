"""Drawing of training histories, and the common style of all displays."""
