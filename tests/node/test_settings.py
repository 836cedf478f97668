import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.settings import (
    COMMAND_LINE_VARIABLES,
    SETTINGS,
    Accent,
    Announcements,
    BrokerChoice,
    HostPort,
    HttpAllowed,
    LogFormat,
    LogLevel,
    Settings,
    SettingsError,
    default_data_directory,
    load,
)

HOME = {"HOME": "/home/someone"}


def read(environ=None, **flags):
    return load(flags, HOME | (environ or {}))


def refusal(environ=None, **flags):
    """The sentence with which the settings are refused."""
    with pytest.raises(SettingsError) as caught:
        read(environ, **flags)
    sentence = str(caught.value)
    assert re.fullmatch(r"\S.*[^.?][.?]", sentence), "one line that ends like a sentence"
    assert sentence.isprintable()
    assert len(sentence) < 500
    return sentence


def test_without_anything_set_a_private_node_listens_on_loopback():
    assert read() == Settings(
        name="node",
        data=Path("/home/someone/.local/share/handclasp/node"),
        listen=HostPort(host="127.0.0.1", port=8101),
        instance_listen=HostPort(host="127.0.0.1", port=8001),
        node_url=None,
        instance_url="http://127.0.0.1:8001",
        tls_cert_file=None,
        tls_key_file=None,
        mqtt_url=None,
        broker=BrokerChoice.AUTO,
        mqtt_ca_file=None,
        ca_file=None,
        allow_addresses=(),
        allow_http=HttpAllowed.LOOPBACK,
        announcements=Announcements.KNOWN,
        console_hosts=(),
        console_framed_by=None,
        accent=Accent.AUTO,
        demo_data=None,
        license_public_key=None,
        log_level=LogLevel.INFO,
        log_format=LogFormat.AUTO,
    )


@pytest.fixture
def texts(tmp_path):
    """A text for every setting that differs from its default."""
    authority = tmp_path / "ca.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    return {
        "name": "Acme service desk",
        "data": str(tmp_path),
        "listen": "0.0.0.0:1",
        "instance_listen": "none",
        "node_url": "https://node.example/a/",
        "instance_url": "https://acme.example",
        "tls_cert_file": str(authority),
        "tls_key_file": str(authority),
        "mqtt_url": "mqtts://broker.example",
        "broker": "none",
        "mqtt_ca_file": str(authority),
        "ca_file": str(authority),
        "allow_addresses": "10.1.0.0/16, db.example:8443",
        "allow_http": "private",
        "announcements": "anyone",
        "console_hosts": "console.example, Other.example",
        "console_framed_by": "http://127.0.0.1:8100",
        "accent": "rose",
        "demo_data": "0",
        "license_public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "log_level": "debug",
        "log_format": "json",
    }


def test_each_setting_is_read_from_its_variable_and_from_its_flag(texts):
    from_flags = read(**texts)
    from_environment = read({f"HANDCLASP_{name.upper()}": text for name, text in texts.items()})
    assert from_flags == from_environment
    defaults = read()
    for field in fields(Settings):
        assert getattr(from_flags, field.name) != getattr(defaults, field.name), field.name
    assert from_flags.node_url == "https://node.example/a"
    assert [str(entry) for entry in from_flags.allow_addresses] == ["10.1.0.0/16", "db.example:8443"]
    assert from_flags.console_hosts == ("console.example", "other.example")
    assert from_flags.demo_data == 0, "a seed like any other"


def test_a_flag_wins_over_a_variable_and_none_is_no_flag():
    environ = {"HANDCLASP_NAME": "from the environment"}
    assert read(environ, name="from the flag").name == "from the flag"
    assert read(environ, name=None).name == "from the environment"


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_is_the_default_and_an_empty_flag_is_refused(empty):
    defaults = read()
    for setting in SETTINGS:
        assert read({setting.variable: empty}) == defaults
        with pytest.raises(SettingsError, match=f"^{setting.flag} is empty: .* leave it out for the default"):
            read(**{setting.field: empty})


def test_the_table_has_a_row_for_each_field_and_names_follow_from_it():
    assert [setting.field for setting in SETTINGS] == [field.name for field in fields(Settings)]
    by_field = {setting.field: setting for setting in SETTINGS}
    assert by_field["instance_listen"].variable == "HANDCLASP_INSTANCE_LISTEN"
    assert by_field["instance_listen"].flag == "--instance-listen"
    assert not set(COMMAND_LINE_VARIABLES) & {setting.variable for setting in SETTINGS}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.field)
def test_each_row_teaches(setting):
    assert re.fullmatch(r"[A-Z].+\.", setting.help)
    assert setting.default_shown
    assert setting.metavar.isupper()
    if setting.default:
        setting.parse(setting.default)


HOST_PORTS_REFUSED = [
    "8101",
    ":8101",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:http",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:٣",
    "127.0.0.1:" + "9" * 5000,
    "127.0.0.1 :1",
    "127.1:8101",
    "0x7f.1:1",
    "256.0.0.1:1",
    "::1:8101",
    "[::1:8101",
    "[127.0.0.1]:1",
    "http://127.0.0.1:8101",
    "*:8101",
    "-a.example:1",
    "a" * 254 + ":1",
]


@pytest.mark.parametrize("text", HOST_PORTS_REFUSED)
def test_what_is_no_place_to_listen_is_refused(text):
    assert refusal(listen=text).startswith("--listen is ")
    assert refusal({"HANDCLASP_INSTANCE_LISTEN": text}).startswith("HANDCLASP_INSTANCE_LISTEN in the env")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1:8101", "http://127.0.0.1:8101"),
        ("0.0.0.0:1", "http://127.0.0.1:1"),
        ("[::]:65535", "http://[::1]:65535"),
        ("[fe80::1]:0", "http://[fe80::1]:0"),
        ("localhost:80", "http://localhost:80"),
        ("node_a.internal:80", "http://node_a.internal:80"),
    ],
)
def test_a_place_to_listen_reads_back_and_has_a_url(text, url):
    place = HostPort.parse(text)
    assert str(place) == text
    assert place.url("http") == url
    assert place.url("https") == url.replace("http:", "https:")


def test_the_instance_s_url_follows_from_where_it_listens():
    assert read(instance_listen="0.0.0.0:9000").instance_url == "http://127.0.0.1:9000"
    assert read(instance_listen="127.0.0.1:0").instance_url is None
    assert read(instance_listen="None").instance_url is None
    assert read(instance_listen="none", instance_url="https://a.example").instance_url == "https://a.example"


REFUSED = [
    ("name", "a\nb"),
    ("name", "a" * 65),
    ("name", "a\u202eb"),
    ("data", "~nobody-has-this-name/x"),
    ("node_url", "node.example"),
    ("node_url", "ftp://node.example"),
    ("node_url", "https://user:secret@node.example"),
    ("node_url", "https://node.example/" + "a" * 300),
    ("instance_url", "javascript:alert(1)"),
    ("mqtt_url", "localhost:1883"),
    ("mqtt_url", "http://localhost:1883"),
    ("broker", "hivemq"),
    ("mqtt_ca_file", "/does/not/exist.pem"),
    ("ca_file", "/"),
    ("tls_cert_file", "/does/not/exist.pem"),
    ("tls_key_file", "/"),
    ("allow_addresses", "10.0.0.1/8"),
    ("allow_addresses", "10.0.0.0/8;172.16.0.0/12"),
    ("allow_http", "yes"),
    ("announcements", "everyone"),
    ("console_hosts", "https://console.example"),
    ("console_hosts", "console.example:8101"),
    ("console_hosts", "a,,b"),
    ("demo_data", "yes"),
    ("demo_data", "-1"),
    ("demo_data", "1.5"),
    ("demo_data", "٣"),
    ("demo_data", "9" * 19),
    ("console_framed_by", "https://stage.example"),
    ("console_framed_by", "http://192.168.0.1:8100"),
    ("console_framed_by", "http://127.0.0.1"),
    ("console_framed_by", "http://127.0.0.1:8100/"),
    ("console_framed_by", "http://127.0.0.1:8100; script-src *"),
    ("console_framed_by", "http://127.0.0.1:99999"),
    ("accent", "mauve"),
    ("license_public_key", "short"),
    ("license_public_key", "A" * 43),
    ("license_public_key", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"),
    ("log_level", "loud"),
    ("log_format", "xml"),
]


@pytest.mark.parametrize(("field", "text"), REFUSED)
def test_a_refused_value_is_told_with_its_origin_and_what_to_do(field, text):
    setting = next(setting for setting in SETTINGS if setting.field == field)
    by_flag, by_variable = refusal(**{field: text}), refusal({setting.variable: text})
    assert by_flag.startswith(f"{setting.flag} is ")
    assert by_variable.startswith(f"{setting.variable} in the environment is ")
    assert "secret" not in by_flag
    if "secret" not in text and not setting.may_hold_password:
        assert repr(text)[:20] in by_flag


def test_each_setting_that_can_be_wrong_is_among_the_refused():
    assert {field for field, _ in REFUSED} | {"listen", "instance_listen"} == {s.field for s in SETTINGS}


def test_the_parser_s_question_stays_one():
    assert refusal(allow_addresses="10.0.0.1/8").endswith("Did you mean 10.0.0.0/8?")


def test_choices_are_named_and_case_does_not_matter():
    assert refusal(broker="x").endswith("write auto, mosquitto, amqtt or none.")
    assert read(log_level="WARNING").log_level is LogLevel.WARNING


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://user:hunter2@",
        "mqtt://user:hunter2",
        "mqtt://user:hunter2@host:99999999",
        "mqtt://user:hun@ter2@host:x",
        "mqtt://user:hunter2@host/topic",
        "mqtt://host/?password=hunter2",
        "user:hunter2@host",
        "http://user:hunter2@host",
        "mqtt://:hunter2@host",
        "mqtt://user:hunter2@[::1",
    ],
)
def test_an_error_never_shows_a_password(url):
    sentence = refusal({"HANDCLASP_MQTT_URL": url})
    assert "hunter2" not in sentence
    assert "ter2" not in sentence


def test_a_password_on_the_command_line_is_refused_since_all_can_read_it():
    sentence = refusal(mqtt_url="mqtt://user:hunter2@localhost")
    assert "put the URL into HANDCLASP_MQTT_URL" in sentence
    assert "hunter2" not in sentence
    assert read(mqtt_url="mqtt://user@localhost").mqtt_url.user == "user"


def test_settings_show_no_password():
    settings = read({"HANDCLASP_MQTT_URL": "mqtt://user:hunter2@localhost"})
    assert settings.mqtt_url.password == "hunter2"
    assert "hunter2" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("HANDCLASP_NODEURL", "HANDCLASP_NODE_URL"),
        ("HANDCLASP_MQTT_URI", "HANDCLASP_MQTT_URL"),
        ("HANDCLASP_LOGLEVEL", "HANDCLASP_LOG_LEVEL"),
        ("HANDCLASP_TOKENS", "HANDCLASP_TOKEN"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest_one(name, nearest):
    assert refusal({name: "x"}) == f"{name} in the environment is not a setting: did you mean {nearest}?"


def test_a_variable_that_is_near_to_none_is_refused_too():
    assert "unset it" in refusal({"HANDCLASP_ZZZZZZZZZZZZZZ": ""})
    assert "unset it" in refusal({"HANDCLASP_\n\u202e" + "Z" * 300: ""})


def test_a_bare_port_is_a_mistake_unless_kubernetes_set_it():
    assert "HANDCLASP_PORT in the environment" in refusal({"HANDCLASP_PORT": "8101"})


def test_variables_of_others_are_left_alone():
    environ = {
        **dict.fromkeys(COMMAND_LINE_VARIABLES, "x"),
        "HANDCLASP": "x",
        "MQTT_URL": "x",
        "handclasp_nodeurl": "x",
        # what Kubernetes sets for Services called handclasp and handclasp-b
        "HANDCLASP_SERVICE_HOST": "10.0.0.1",
        "HANDCLASP_SERVICE_PORT": "8101",
        "HANDCLASP_SERVICE_PORT_PEER": "8101",
        "HANDCLASP_PORT": "tcp://10.0.0.1:8101",
        "HANDCLASP_PORT_8101_TCP": "tcp://10.0.0.1:8101",
        "HANDCLASP_PORT_8101_TCP_ADDR": "10.0.0.1",
        "HANDCLASP_PORT_8101_TCP_PORT": "8101",
        "HANDCLASP_B_PORT": "tcp://10.0.0.1:8101",
        "HANDCLASP_B_SERVICE_HOST": "10.0.0.1",
    }
    assert read(environ) == read()


def test_node_and_instance_can_not_share_a_port():
    assert "both 127.0.0.1:8001" in refusal(listen="127.0.0.1:8001")
    read(listen="127.0.0.1:0", instance_listen="127.0.0.1:0")


def test_a_broker_is_named_or_started_but_not_both():
    assert "set one of the two" in refusal(mqtt_url="mqtt://localhost", broker="amqtt")
    read(mqtt_url="mqtt://localhost", broker="none")
    read(mqtt_url="mqtt://localhost", broker="auto")


@pytest.mark.parametrize("url", [None, "mqtt://localhost"])
def test_an_authority_for_the_broker_needs_a_broker_that_shows_a_certificate(url, texts):
    assert "mqtts://" in refusal(mqtt_url=url, mqtt_ca_file=texts["mqtt_ca_file"])


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x/handclasp/node"),
        ({"HOME": "/h", "XDG_DATA_HOME": "relative"}, "/h/.local/share/handclasp/node"),
        ({"HOME": "/h", "XDG_DATA_HOME": ""}, "/h/.local/share/handclasp/node"),
    ],
)
def test_the_data_directory_is_where_the_desktop_s_rules_say(environ, path):
    assert default_data_directory(environ) == Path(path)


def test_a_relative_data_directory_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert read(data="here").data == tmp_path / "here"
    monkeypatch.setenv("HOME", "/home/other")
    assert read(data="~/here").data == Path("/home/other/here")


@given(field=st.sampled_from([setting.field for setting in SETTINGS]), text=st.text(max_size=300))
def test_any_text_gives_settings_or_a_sentence(field, text):
    try:
        read(**{field: text})
    except SettingsError as error:
        sentence = str(error)
    else:
        sentence = ""
    assert sentence.isprintable() or not sentence
