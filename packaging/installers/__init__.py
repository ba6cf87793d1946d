"""What a bundle is packed into for Windows and macOS."""
