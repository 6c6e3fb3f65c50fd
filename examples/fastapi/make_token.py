"""A token for trying the server out: ``python make_token.py alice``. Your login makes real ones."""

import os
import sys
import time

import jwt

claims = {"sub": sys.argv[1], "exp": time.time() + 3_600}
print(jwt.encode(claims, os.environ["JWT_SECRET"], algorithm="HS256"))
