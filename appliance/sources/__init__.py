"""Sources of rows: directories (LDAP) and files that say who is local and what his policy is."""
