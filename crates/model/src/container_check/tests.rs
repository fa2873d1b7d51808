use serde_json::{Value, json};

use crate::{ContainerSpec, SoftwareForm};

/// A good form with `change` written over it.
fn spec(change: Value) -> ContainerSpec {
    let mut body = json!({"name": "web"});
    if let (Some(body), Value::Object(change)) = (body.as_object_mut(), change) {
        body.extend(change);
    }
    serde_json::from_value(body).expect("a form that can be read")
}

fn fields(change: Value) -> Vec<String> {
    let errors = spec(change).check().err().unwrap_or_default();
    assert!(errors.iter().all(|error| !error.message.is_empty()));
    errors.into_iter().map(|error| error.field).collect()
}

#[test]
fn a_full_and_a_short_form_are_good() {
    assert_eq!(fields(json!({})), [""; 0]);
    let full = json!({
        "name": "my_web.1-a", "hostname": "web-1.example", "networkMode": "front_end",
        "ports": [
            {"host": 8080, "container": 80}, {"host": 8080, "container": 80, "protocol": "udp"},
            {"host": 8081, "container": 80, "hostIp": "127.0.0.1"}, {"host": 8081, "container": 80, "hostIp": "127.0.0.2"},
            {"host": 53, "container": 53, "hostIp": "0.0.0.0"}, {"host": 53, "container": 53, "hostIp": "::"},
            {"container": 81}, {"container": 65535}, {"host": 65535, "container": 1}
        ],
        "env": {"A": "", "B": "a=b\nc $HOME; rm -rf / 'x' \"y\" `z`", "discovery.type": "x", "ÄÖ": "u"},
        "volumes": [
            {"source": "/srv/a b", "target": "/a"}, {"source": "named_volume", "target": "/b/..c"},
            {"source": "/", "target": "/host", "readOnly": true}
        ],
        "restartPolicy": {"name": "on-failure", "maximumRetryCount": 3},
        "command": ["sh", "-c", "echo $A; exit 1"], "entrypoint": [], "workingDir": "/w", "user": "1000:1000",
        "labels": {"a.b/c": "x\ny"}, "memoryBytes": 6_291_456, "nanoCpus": 10_000_000, "privileged": true, "start": true
    });
    assert_eq!(fields(full), [""; 0]);
    assert_eq!(
        fields(
            json!({"hostname": "", "user": "", "workingDir": "", "ports": [{"container": 1, "hostIp": ""}]})
        ),
        [""; 0]
    );
}

#[test]
fn names_that_the_engine_refuses() {
    for name in [
        "", "a", "-web", ".web", "we b", "web/1", "web;rm", "$(id)", "wéb", "web\n",
    ] {
        assert_eq!(fields(json!({"name": name})), ["name"], "{name:?}");
    }
    assert_eq!(fields(json!({"name": "a".repeat(256)})), ["name"]);
    assert_eq!(fields(json!({"name": "a".repeat(255)})), [""; 0]);
    let long = "a".repeat(64);
    for hostname in ["-a", "a-", "a..b", "a_b", "a b", ".", "ä", &long] {
        assert_eq!(
            fields(json!({"hostname": hostname})),
            ["hostname"],
            "{hostname:?}"
        );
    }
}

#[test]
fn ports_out_of_range_are_named() {
    assert_eq!(
        fields(json!({"ports": [{"host": 0, "container": 80}]})),
        ["ports[0].host"]
    );
    assert_eq!(
        fields(json!({"ports": [{"host": 1, "container": 0}]})),
        ["ports[0].container"]
    );
    for host in [json!(65_536), json!(-1), json!("8000-8010"), json!(1.5)] {
        let body = json!({"name": "web", "ports": [{"host": host, "container": 80}]});
        assert!(serde_json::from_value::<ContainerSpec>(body).is_err(), "{host}");
    }
    let protocol = json!({"name": "web", "ports": [{"container": 80, "protocol": "sctp"}]});
    assert!(serde_json::from_value::<ContainerSpec>(protocol).is_err());
    assert_eq!(
        fields(json!({"ports": [{"container": 80, "hostIp": "localhost"}]})),
        ["ports[0].hostIp"]
    );
}

#[test]
fn a_port_cannot_be_published_twice() {
    let twice = |first: Value, second: Value| fields(json!({"ports": [first, second]}));
    let port = |ip: &str| json!({"host": 80, "container": 1, "hostIp": ip});
    assert_eq!(
        twice(
            json!({"host": 80, "container": 1}),
            json!({"host": 80, "container": 2})
        ),
        ["ports[1].host"]
    );
    assert_eq!(twice(port("127.0.0.1"), port("127.0.0.1")), ["ports[1].host"]);
    assert_eq!(twice(port("127.0.0.1"), port("0.0.0.0")), ["ports[1].host"]);
    assert_eq!(twice(port(""), port("::1")), ["ports[1].host"]);
    assert_eq!(twice(port("::"), port("127.0.0.1")), [""; 0]);
    assert_eq!(
        twice(json!({"container": 1}), json!({"container": 1})),
        ["ports[1].container"]
    );
}

#[test]
fn networks_and_ports_have_to_fit() {
    let with = |mode: &str| spec(json!({"networkMode": mode, "ports": [{"host": 80, "container": 80}]}));
    let none = with("none").check().expect_err("refused");
    assert_eq!(none[0].field, "ports");
    assert!(with("host").check().is_ok() && with("host").remarks().len() == 1);
    assert!(with("bridge").check().is_ok() && with("bridge").remarks().is_empty());
    for mode in ["container:abc", "a b", "/x", "ns:/proc/1"] {
        assert_eq!(fields(json!({"networkMode": mode})), ["networkMode"], "{mode}");
    }
}

#[test]
fn malformed_environment_is_named() {
    assert_eq!(fields(json!({"env": {"": "x"}})), ["env"]);
    assert_eq!(fields(json!({"env": {"A=B": "x"}})), ["env.A=B"]);
    assert_eq!(fields(json!({"env": {"A B": "x"}})), ["env.A B"]);
    assert_eq!(fields(json!({"env": {"A": "x\0y"}})), ["env.A"]);
    assert_eq!(fields(json!({"env": {"A\n": "x"}})), ["env.A\u{fffd}"]);
    assert_eq!(fields(json!({"env": {"A": "x".repeat(131_070)}})), ["env.A"]);
    let lines = |count: usize| {
        (0..count)
            .map(|n| (format!("V{n}"), json!("x")))
            .collect::<serde_json::Map<_, _>>()
    };
    assert_eq!(fields(json!({"env": lines(10_000)})), [""; 0]);
    assert_eq!(fields(json!({"env": lines(10_001)})), ["env"]);
    assert_eq!(fields(json!({"labels": {" ": "x"}})), ["labels"]);
}

#[test]
fn paths_are_absolute_and_do_not_climb() {
    let volume =
        |source: &str, target: &str| fields(json!({"volumes": [{"source": source, "target": target}]}));
    for source in [
        "",
        "relative/path",
        "./x",
        "../x",
        "~",
        "x",
        "/a/../etc",
        "a b",
        "/a\nb",
    ] {
        assert_eq!(volume(source, "/data"), ["volumes[0].source"], "{source:?}");
    }
    for target in ["", "data", "/", "//", "/a/..", "/a\0"] {
        assert_eq!(volume("named", target), ["volumes[0].target"], "{target:?}");
    }
    let twice =
        json!({"volumes": [{"source": "aa", "target": "/data"}, {"source": "bb", "target": "/data/"}]});
    assert_eq!(fields(twice), ["volumes[1].target"]);
    assert_eq!(fields(json!({"workingDir": "tmp"})), ["workingDir"]);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let restart = |policy: Value| fields(json!({"restartPolicy": policy}));
    assert_eq!(
        restart(json!({"name": "always", "maximumRetryCount": 3})),
        ["restartPolicy.maximumRetryCount"]
    );
    assert_eq!(
        restart(json!({"name": "on-failure", "maximumRetryCount": -1})),
        ["restartPolicy.maximumRetryCount"]
    );
    assert_eq!(
        restart(json!({"name": "always", "maximumRetryCount": 0})),
        [""; 0]
    );
    assert_eq!(
        fields(json!({"autoRemove": true, "restartPolicy": {"name": "always"}})),
        ["autoRemove"]
    );
    assert_eq!(fields(json!({"autoRemove": true})), [""; 0]);
    assert_eq!(fields(json!({"memoryBytes": 6_291_455})), ["memoryBytes"]);
    assert_eq!(fields(json!({"nanoCpus": 0})), ["nanoCpus"]);
    assert_eq!(fields(json!({"user": "a b"})), ["user"]);
    assert_eq!(
        fields(json!({"command": ["a", "b\0"], "entrypoint": ["\0"]})),
        ["command[1]", "entrypoint[0]"]
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let wrong = json!({"name": "", "ports": [{"container": 0}], "env": {"": ""}, "workingDir": "x"});
    assert_eq!(fields(wrong), ["name", "workingDir", "ports[0].container", "env"]);
}

#[test]
fn required_values_are_asked_for() {
    let form: SoftwareForm = serde_json::from_value(json!({"env": [
        {"name": "ROOT_PASSWORD", "required": true, "unless": ["RANDOM_PASSWORD"]},
        {"name": "MODE", "value": "standalone", "required": true}, {"name": "OTHER"}
    ]}))
    .expect("a form");
    let missing = |env: Value| {
        let errors = spec(json!({"env": env}))
            .check_required(&form)
            .err()
            .unwrap_or_default();
        errors.into_iter().map(|error| error.field).collect::<Vec<_>>()
    };
    assert_eq!(missing(json!({})), ["env.ROOT_PASSWORD"]);
    assert_eq!(
        missing(json!({"ROOT_PASSWORD": " ", "MODE": ""})),
        ["env.ROOT_PASSWORD", "env.MODE"]
    );
    assert_eq!(missing(json!({"ROOT_PASSWORD": "x"})), [""; 0]);
    assert_eq!(missing(json!({"ROOT_PASSWORD_FILE": "/run/secrets/x"})), [""; 0]);
    assert_eq!(missing(json!({"RANDOM_PASSWORD": "yes"})), [""; 0]);
}

#[test]
fn a_container_starts_unless_told_otherwise() {
    assert!(spec(json!({})).start);
    assert!(!spec(json!({"start": false})).start);
}
