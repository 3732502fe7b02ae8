"""Drawing of training histories, and the style that all displays share."""
