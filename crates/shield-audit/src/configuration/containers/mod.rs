//! How containers are run: Compose files and Kubernetes manifests.

mod compose;
mod kubernetes;
mod rules;
#[cfg(test)]
mod tests;

pub(super) use compose::look as compose;
pub(super) use kubernetes::look as kubernetes;

use super::{
    dockerfile::{Pinning, pinning},
    hits::Hit,
    yaml::Node,
};

/// Where a container engine listens: who writes there is root on the host.
const ENGINE_SOCKETS: [&str; 4] = ["docker.sock", "containerd.sock", "crio.sock", "podman.sock"];

/// Capabilities that are as good as root on the host.
const STRONG: [&str; 8] =
    ["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "BPF", "NET_ADMIN"];

/// Directories of the host that hold the host itself.
const HOST: [&str; 10] =
    ["/", "/etc", "/root", "/proc", "/sys", "/dev", "/boot", "/var/run", "/run", "/var/lib/docker"];

/// A directory of the host that a container must not see.
fn of_host(path: &str, place: Node<'_>) -> Option<Hit> {
    let trimmed = if path == "/" { path } else { path.trim_end_matches('/') };
    if ENGINE_SOCKETS.iter().any(|socket| trimmed.ends_with(socket)) {
        return Some(Hit::of(&rules::ENGINE_SOCKET, place.range(), trimmed));
    }
    HOST.contains(&trimmed).then(|| Hit::of(&rules::HOST_DIRECTORY, place.range(), trimmed))
}

fn capability(added: Node<'_>) -> Option<Hit> {
    let name = added.text()?.to_ascii_uppercase();
    let name = name.strip_prefix("CAP_").unwrap_or(&name);
    STRONG.contains(&name).then(|| Hit::of(&rules::CAPABILITY, added.range(), name))
}

fn moving_image(image: Node<'_>) -> Option<Hit> {
    let name = image.text().filter(|name| !name.is_empty())?;
    let moving = matches!(pinning(name), Pinning::Nothing | Pinning::Latest);
    moving.then(|| Hit::of(&rules::UNPINNED_IMAGE, image.range(), name))
}
