"""A small Flask application on its development server, as tutorials run it."""

import os

from flask import Flask

app = Flask(__name__)


@app.route("/")
def hello():
    return {"message": "Hello"}


app.run(host="127.0.0.1", port=int(os.environ["PORT"]), threaded=True)
