use imagefleet_model::{ContainerSpec, PortProtocol, RestartPolicyName};
use serde_json::{Value, json};

use super::StartForm;

fn read(change: Value) -> Result<ContainerSpec, Vec<String>> {
    let mut body = json!({"containerName": "web"});
    if let (Some(body), Value::Object(change)) = (body.as_object_mut(), change) {
        body.extend(change);
    }
    let form: StartForm = serde_json::from_value(body).expect("readable");
    form.into_spec()
        .map_err(|errors| errors.into_iter().map(|error| error.field).collect())
}

fn wrong(change: Value) -> Vec<String> {
    read(change).expect_err("refused")
}

#[test]
fn a_full_form_is_the_native_one() {
    let spec = read(json!({
        "containerName": " web ", "hostname": "h",
        "portBindings": ["8080:80/tcp", "127.0.0.1:8081:80/udp", "81", "[::1]:8082:82", "127.0.0.1::83", ":84"],
        "environmentVariables": ["A=1=2", "B=", "C=x\ny"],
        "volumeBindings": ["/h:/c:ro", "named:/d", "/e:/f:rw"],
        "command": "sh -c 'echo \"$A\"; sleep 9' a\\ b \"q\\\"q\"", "args": ["--x", "y z"],
        "workingDirectory": "/w", "user": "1:1", "restartPolicy": "on-failure:3", "networkMode": "bridge",
        "autoStart": false, "autoRemove": false, "privileged": true, "cpuLimit": 0.5, "memoryLimit": "512m",
        "labels": ["a=b=c", "d"]
    }))
    .expect("good");
    let native: ContainerSpec = serde_json::from_value(json!({
        "name": "web", "hostname": "h",
        "ports": [
            {"host": 8080, "container": 80}, {"host": 8081, "container": 80, "protocol": "udp", "hostIp": "127.0.0.1"},
            {"container": 81}, {"host": 8082, "container": 82, "hostIp": "::1"},
            {"container": 83, "hostIp": "127.0.0.1"}, {"container": 84}
        ],
        "env": {"A": "1=2", "B": "", "C": "x\ny"},
        "volumes": [
            {"source": "/h", "target": "/c", "readOnly": true}, {"source": "named", "target": "/d"},
            {"source": "/e", "target": "/f"}
        ],
        "command": ["sh", "-c", "echo \"$A\"; sleep 9", "a b", "q\"q", "--x", "y z"],
        "workingDir": "/w", "user": "1:1", "restartPolicy": {"name": "on-failure", "maximumRetryCount": 3},
        "networkMode": "bridge", "start": false, "privileged": true, "nanoCpus": 500_000_000,
        "memoryBytes": 536_870_912, "labels": {"a": "b=c", "d": ""}
    }))
    .expect("a form");
    assert_eq!(spec, native);
}

#[test]
fn what_is_left_out_has_its_default() {
    let spec = read(json!({
        "portBindings": null, "environmentVariables": null, "command": null, "args": "", "restartPolicy": "",
        "labels": null, "cpuLimit": 0, "memoryLimit": "", "hostname": "", "networkMode": null
    }))
    .expect("good");
    assert_eq!(
        spec,
        ContainerSpec {
            name: "web".to_owned(),
            start: true,
            ..ContainerSpec::default()
        }
    );
}

#[test]
fn other_ways_to_say_it() {
    let spec = read(json!({
        "restartPolicy": {"name": "always"}, "labels": {"a": "b"}, "memoryLimit": 67_108_864, "cpuLimit": "1.5"
    }))
    .expect("good");
    assert_eq!(spec.restart_policy.name, RestartPolicyName::Always);
    assert_eq!(
        (spec.memory_bytes, spec.nano_cpus),
        (Some(64 << 20), Some(1_500_000_000))
    );
    assert_eq!(spec.labels["a"], "b");
    assert_eq!(
        read(json!({"memoryLimit": "1.5GiB"})).expect("good").memory_bytes,
        Some(1_610_612_736)
    );
    assert_eq!(
        read(json!({"portBindings": ["53/udp"]})).expect("good").ports[0].protocol,
        PortProtocol::Udp
    );
}

#[test]
fn wrong_lines_are_named() {
    for port in [
        "",
        "0",
        "65536",
        "0:80",
        "65536:80",
        "8080:0",
        "8000-8010:80",
        "80/sctp",
        "80/",
        "a:80",
        "8080:",
        "-1:80",
        "80:80:80:80",
        "localhost:80:80",
        "8080:80/tcp/udp",
    ] {
        assert_eq!(
            wrong(json!({"portBindings": ["81:81", port]})),
            ["portBindings[1]"],
            "{port:?}"
        );
    }
    assert_eq!(
        wrong(json!({"portBindings": ["80:80", "80:81"]})),
        ["portBindings[1]"]
    );
    for line in ["NOTHING", "", "=x"] {
        assert_eq!(
            wrong(json!({"environmentVariables": [line]})),
            ["environmentVariables[0]"],
            "{line:?}"
        );
    }
    assert_eq!(
        wrong(json!({"environmentVariables": ["A=1", "A=2"]})),
        ["environmentVariables[1]"]
    );
    assert_eq!(
        wrong(json!({"environmentVariables": ["A B=1"]})),
        ["environmentVariables.A B"]
    );
    for volume in [
        "",
        "/only",
        "/a:/b:rx",
        "/a:/b:ro:x",
        "rel/a:/b",
        "/a:rel",
        ":/b",
        "/a:",
        "../a:/b",
    ] {
        assert_eq!(
            wrong(json!({"volumeBindings": [volume]})),
            ["volumeBindings[0]"],
            "{volume:?}"
        );
    }
}

#[test]
fn wrong_values_are_named_as_this_api_spells_them() {
    assert_eq!(wrong(json!({"containerName": ""})), ["containerName"]);
    assert_eq!(wrong(json!({"containerName": null})), ["containerName"]);
    assert_eq!(wrong(json!({"command": "sh -c 'open"})), ["command"]);
    assert_eq!(wrong(json!({"restartPolicy": "sometimes"})), ["restartPolicy"]);
    assert_eq!(wrong(json!({"restartPolicy": "always:3"})), ["restartPolicy"]);
    assert_eq!(wrong(json!({"restartPolicy": "on-failure:x"})), ["restartPolicy"]);
    assert_eq!(wrong(json!({"memoryLimit": "lots"})), ["memoryLimit"]);
    assert_eq!(wrong(json!({"memoryLimit": 1000})), ["memoryLimit"]);
    assert_eq!(wrong(json!({"cpuLimit": -1})), ["cpuLimit"]);
    assert_eq!(wrong(json!({"cpuLimit": "much"})), ["cpuLimit"]);
    assert_eq!(wrong(json!({"workingDirectory": "x"})), ["workingDirectory"]);
    assert_eq!(
        wrong(json!({"networkMode": "none", "portBindings": ["80:80"]})),
        ["portBindings"]
    );
}
