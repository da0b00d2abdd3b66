"""The forms that staff send. Each carries a token against forgery."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.staff.passwords import LENGTH_MAX

EMAIL_MAX = 254


class SignInForm(FlaskForm):
    """E-mail and password."""

    email = StringField("E-mail", [InputRequired("Type your e-mail."), Length(max=EMAIL_MAX)])
    password = PasswordField(
        "Password", [InputRequired("Type your password."), Length(max=LENGTH_MAX)]
    )
