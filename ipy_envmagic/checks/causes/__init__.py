"""Why a requirement cannot be used: one small rule per cause, in a module for each subject."""
