"""What should happen to mail: layers, named policies, sender lists, ban rules."""
