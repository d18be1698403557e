//! Confinement of a worker: before it sees a byte of a stranger's file it gives up, for good and for whatever it starts, what reading needs
//! not: to open files but those of Tesseract, to write, to reach a network, to look into other processes.
//!
//! The document itself comes through the pipe. Landlock (<https://docs.kernel.org/userspace-api/landlock.html>, Linux 5.13, for TCP 6.7, for signals 6.12) forbids
//! files and TCP; a list of system calls (<https://docs.kernel.org/userspace-api/seccomp_filter.html>) forbids sockets of every kind and
//! what reads other processes. Where a kernel lacks them the limits of `serve` remain, and `corpora doctor` says so.

use serde::{Deserialize, Serialize};

use crate::stages::parse::OcrSettings;

/// Strength of a confinement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strength {
    /// Everything that this program asks for is enforced.
    Full,
    /// A part of it: the kernel is older than the newest rule.
    Partial,
    /// Nothing of it: the system lacks it.
    None,
}

/// Confinement of a worker, as the system has enforced it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Files, TCP, signals (Landlock).
    pub files: Strength,
    /// System calls (seccomp).
    pub calls: Strength,
}

/// Confines this thread and all that it starts. What the recognition of pages needs may be read and executed.
pub(super) fn confine(ocr: &OcrSettings) -> Confinement {
    system::confine(ocr)
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod system {
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
        RulesetStatus, Scope,
    };
    use seccompiler::{SeccompAction, SeccompFilter, TargetArch, apply_filter};

    use super::{Confinement, Strength};
    use crate::stages::parse::{OcrMode, OcrSettings};

    /// The rules that are asked for; an older kernel enforces those that it knows.
    const RULES: ABI = ABI::V6;

    /// Places of programs and libraries, which a system's programs need to start.
    const PROGRAMS: [&str; 12] = [
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/ld.so.preload",
        "/etc/alternatives",
        "/nix/store",
        "/gnu/store",
        "/sys/devices/system/cpu",
    ];

    /// Folders beside that of a Tesseract which is not the system's own: its libraries and its languages, also of Homebrew
    /// (<https://docs.brew.sh/Formula-Cookbook#homebrew-terminology>).
    const LIBRARIES: [&str; 6] = ["lib", "lib64", "share/tessdata", "share/tesseract-ocr", "opt", "Cellar"];

    /// Devices that hold nothing of anybody's.
    const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"];

    pub(super) fn confine(ocr: &OcrSettings) -> Confinement {
        let files = match files(ocr) {
            Ok(RulesetStatus::FullyEnforced) => Strength::Full,
            Ok(RulesetStatus::PartiallyEnforced) => Strength::Partial,
            Ok(RulesetStatus::NotEnforced) | Err(_) => Strength::None,
        };
        let calls = if calls().is_ok() { Strength::Full } else { Strength::None };
        Confinement { files, calls }
    }

    fn files(ocr: &OcrSettings) -> Result<RulesetStatus, RulesetError> {
        let ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(RULES))?
            .handle_access(AccessNet::from_all(RULES))?
            .scope(Scope::from_all(RULES))?;
        let mut ruleset = ruleset.create()?;
        for place in readable(ocr) {
            // What is not there needs no rule.
            let Ok(place) = PathFd::new(place) else { continue };
            ruleset = ruleset.add_rule(PathBeneath::new(place, AccessFs::from_read(RULES)))?;
        }
        for device in DEVICES {
            let Ok(place) = PathFd::new(device) else { continue };
            ruleset = ruleset.add_rule(PathBeneath::new(place, AccessFs::ReadFile | AccessFs::WriteFile))?;
        }
        Ok(ruleset.restrict_self()?.ruleset)
    }

    /// Places that may be read: none, unless pages may go to a recognition.
    fn readable(ocr: &OcrSettings) -> Vec<PathBuf> {
        let (Some(program), false) = (&ocr.program, ocr.mode == OcrMode::Off) else { return Vec::new() };
        let mut places: Vec<PathBuf> = PROGRAMS.iter().map(PathBuf::from).collect();
        places.extend(ocr.under.iter().chain(&ocr.needs).cloned());
        let real = program.canonicalize().unwrap_or_else(|_| program.clone());
        for program in [program, &real] {
            places.push(program.clone());
            let prefix = program.parent().and_then(Path::parent);
            places.extend(LIBRARIES.iter().filter_map(|name| Some(prefix?.join(name))));
        }
        places
    }

    /// Calls that no reader of documents makes: sockets, other processes' memory, the kernel's own affairs.
    const FORBIDDEN: [libc::c_long; 34] = [
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_sendmmsg,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_kcmp,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_open_by_handle_at,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
    ];

    /// Numbers of calls of the x32 way of calling, which x86-64 kernels may have beside their own: this bit and the same number, but for
    /// some (<https://github.com/torvalds/linux/blob/master/arch/x86/entry/syscalls/syscall_64.tbl>).
    const X32: libc::c_long = 0x4000_0000;

    /// Of those with another number there: `sendmsg`, `ptrace`, `sendmmsg`, `process_vm_readv`, `process_vm_writev`, `kexec_load`.
    const OTHERS_OF_X32: [libc::c_long; 6] = [518, 521, 538, 539, 540, 528];

    const ARCHITECTURE: TargetArch = if cfg!(target_arch = "x86_64") {
        TargetArch::x86_64
    } else if cfg!(target_arch = "aarch64") {
        TargetArch::aarch64
    } else {
        TargetArch::riscv64
    };

    fn calls() -> Result<(), Box<dyn std::error::Error>> {
        let mut forbidden = FORBIDDEN.to_vec();
        if cfg!(target_arch = "x86_64") {
            forbidden.extend(FORBIDDEN.iter().chain(&OTHERS_OF_X32).map(|call| call | X32));
        }
        let rules = forbidden.into_iter().map(|call| (call, Vec::new())).collect();
        let refused = SeccompAction::Errno(libc::EPERM.cast_unsigned());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, ARCHITECTURE)?;
        let program: seccompiler::BpfProgram = filter.try_into()?;
        Ok(apply_filter(&program)?)
    }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))))]
mod system {
    use super::{Confinement, Strength};
    use crate::stages::parse::OcrSettings;

    pub(super) fn confine(_ocr: &OcrSettings) -> Confinement {
        Confinement { files: Strength::None, calls: Strength::None }
    }
}
