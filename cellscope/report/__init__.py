"""Pages from strings, arrays and tables: `contents` says what goes in, `page` writes it; no science is done here."""
