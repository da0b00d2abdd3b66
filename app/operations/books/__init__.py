"""Money in from the SACCO's own books: files of salaries, counter business and corrections."""
