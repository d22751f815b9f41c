//! What a stranger sent that comes by way of forms, serializers, parsers, files and models.

use super::web_tests::marked_lines_are_found;

#[test]
fn what_is_valid_is_still_a_strangers() {
    marked_lines_are_found(
        r#"from django import forms
from django.shortcuts import redirect
from django.views.generic import FormView
class F(forms.Form):
    name = forms.CharField()
    number = forms.IntegerField()
    kind = forms.ChoiceField(choices=KINDS)
class Own(forms.Form):
    cleaned_data = {}
def view(request):
    form = F(request.POST)
    if form.is_valid():
        open("/srv/" + form.cleaned_data["name"])  # !
        open("/srv/" + str(form.cleaned_data["number"]))
        open("/srv/" + form.cleaned_data["kind"])
        return redirect(form.cleaned_data.get("name"))  # !
    open("/srv/" + Own(request.POST).cleaned_data["name"])
class V(FormView):
    form_class = F
    def form_valid(self, form):
        open("/srv/" + form.cleaned_data["name"])  # !
"#,
    );
    marked_lines_are_found(
        r#"from rest_framework import serializers, viewsets
from rest_framework.views import APIView
class S(serializers.Serializer):
    name = serializers.CharField()
    day = serializers.DateField()
class V(APIView):
    def post(self, request):
        s = S(data=request.data)
        s.is_valid(raise_exception=True)
        open("/srv/" + s.validated_data["name"])  # !
        open("/srv/" + s.validated_data["day"])
class W(viewsets.ModelViewSet):
    def retrieve(self, request, pk=None, page=1):
        open("/srv/" + pk)  # !
        open("/srv/" + page)
"#,
    );
}

#[test]
fn fields_of_forms_hold_what_was_sent() {
    marked_lines_are_found(
        r#"from flask import Flask
from flask_wtf import FlaskForm
from wtforms import IntegerField, StringField
app = Flask("x")
class F(FlaskForm):
    name = StringField("name")
    number = IntegerField("number")
class Other:
    name = None
@app.route("/", methods=["POST"])
def view():
    form, other = F(), Other()
    open("/srv/" + form.name.data)  # !
    open("/srv/" + form.number.data)
    open("/srv/" + other.name.data)
    return ""
"#,
    );
}

#[test]
fn parsers_hand_on_what_was_sent() {
    marked_lines_are_found(
        r#"from flask import Flask
from flask_restful import Resource, reqparse
from webargs.flaskparser import use_args
app = Flask("x")
parser = reqparse.RequestParser()
class V(Resource):
    def post(self):
        open("/srv/" + parser.parse_args()["name"])  # !
@app.route("/")
@use_args({"name": str})
def view(args, other=1):
    open("/srv/" + args["name"])  # !
    open("/srv/" + other)
    return ""
@app.route("/")
@cached
def plain(args):
    open("/srv/" + args["name"])
    return ""
"#,
    );
}

#[test]
fn files_are_saved_where_their_senders_say() {
    marked_lines_are_found(
        r#"import os
from flask import Flask, request
from werkzeug.utils import secure_filename
app = Flask("x")
@app.route("/", methods=["POST"])
def view():
    file = request.files["file"]
    file.save("uploads/" + file.filename)  # !
    file.save(os.path.join("uploads", secure_filename(file.filename)))
    file.save("uploads/one")
    for one in request.files.getlist("more"):
        one.save(os.path.join("uploads", one.filename))  # !
    return ""
"#,
    );
}

#[test]
fn models_are_filled_with_what_was_sent() {
    marked_lines_are_found(
        r#"from dataclasses import dataclass
from flask import Flask, request
from pydantic import BaseModel
app = Flask("x")
class Sent(BaseModel):
    name: str
    number: int
@dataclass
class Data:
    name: str
@app.route("/", methods=["POST"])
def view():
    sent = Sent(**request.get_json())
    open("/srv/" + sent.name)  # !
    open("/srv/" + str(sent.number))
    data = Data(**request.get_json())
    open("/srv/" + data.name)  # !
    return ""
"#,
    );
    marked_lines_are_found(
        r#"from fastapi import Depends, FastAPI
from pydantic import BaseModel
app = FastAPI()
class Page:
    def __init__(self, name: str = "", number: int = 0):
        self.name = name
        self.number = number
class Filter(BaseModel):
    name: str
@app.get("/")
def view(page: Page = Depends(), other: Page = Depends(Page), filter: Filter = Depends()):
    open("/srv/" + page.name)  # !
    open("/srv/" + str(page.number))
    open("/srv/" + other.name)  # !
    open("/srv/" + filter.name)  # !
"#,
    );
}

#[test]
fn answers_may_be_filled_later() {
    marked_lines_are_found(
        r#"from django.http import HttpResponse, StreamingHttpResponse
from flask import Flask, Response, make_response, request as sent
app = Flask("x")
@app.route("/")
def view():
    answer = make_response()
    answer.data = sent.args["x"]  # !
    answer.set_data(sent.args["x"])  # !
    answer.location = sent.args["x"]  # !
    data = Response(mimetype="application/json")
    data.data = sent.args["x"]
    data.set_data(sent.args["x"])
    return answer
def page(request):
    answer = HttpResponse()
    answer.write("<b>" + request.GET["x"])  # !
    answer.content = request.GET["x"]  # !
    text = HttpResponse(content_type="text/plain")
    text.write(request.GET["x"])
    return StreamingHttpResponse(["<b>" + request.GET["x"]])  # !
"#,
    );
}
