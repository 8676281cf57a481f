//! The system calls a sandbox may not make: those that change the kernel, its
//! namespaces and mounts, look into other processes, or were not reviewed yet.
//!
//! Compiled once in sandboxd, loaded by each first process. The architecture is
//! checked by the compiler's prologue; calls of the x32 kind end the process.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter, sock_filter,
};

use super::Setup;

/// The newest call that was looked at (mseal); later ones do not exist here.
const NEWEST_CALL: u32 = 462;
/// Calls of x86-64's x32 kind have this bit set.
const X32: u32 = 0x4000_0000;

const DENIED: &[c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_get_mempolicy,
    libc::SYS_init_module,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mbind,
    libc::SYS_migrate_pages,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_set_mempolicy,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[c_long] = &[
    libc::SYS__sysctl,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_modify_ldt,
    libc::SYS_sysfs,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_vserver,
];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[c_long] = &[];
/// Libraries fall back from these when they do not exist: from clone3, whose
/// flags a filter cannot see, to clone, whose flags it can.
const ABSENT: &[c_long] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
];
/// Where the names of memory, semaphores and queues are the host's, and so are
/// the files: of those, Landlock neither looks at attributes nor at who watches.
const DENIED_WITH_SHARED_NAMES: &[c_long] = &[
    libc::SYS_inotify_add_watch,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_msgctl,
    libc::SYS_msgget,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_removexattr,
    libc::SYS_semctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_setxattr,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_shmget,
];
/// Where sandboxes have the engine's own uid: what changes modes, owners and
/// times by a path, which Landlock does not look at either. By a descriptor,
/// which it did look at, it stays possible.
const DENIED_WITH_SHARED_USER: &[c_long] = &[libc::SYS_fchmodat, libc::SYS_fchmodat2, libc::SYS_fchownat];
#[cfg(target_arch = "x86_64")]
const DENIED_WITH_SHARED_USER_HERE: &[c_long] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_futimesat,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_WITH_SHARED_USER_HERE: &[c_long] = &[];
/// Calls whose first argument is the process they change; 0 is the caller.
const OF_ONE_PROCESS: &[c_long] = &[
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
];
/// Calls whose first argument is the kind of their second: a process, a group,
/// and last a user, of whom everything would be changed.
const OF_ONE_OR_MANY: &[(c_long, u64)] = &[(libc::SYS_setpriority, 2), (libc::SYS_ioprio_set, 3)];
const NAMESPACE_FLAGS: &[i32] = &[
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];
const PERSONALITIES: &[u64] = &[0, 0xffff_ffff, 8, 0x2_0000, 0x2_0008];
const SOCKET_FAMILIES: &[i32] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
const SOCKET_KIND: u64 = 0xf;

/// The compiled filters of one kind of sandbox.
pub(crate) struct Filters(Vec<BpfProgram>);

/// What the filters of a sandbox depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct Shape {
    /// Without namespaces the names of sockets and of System V and POSIX IPC
    /// are the host's, and the processes of a user may change each other.
    /// Landlock stops none of that (local sockets from Linux 7 on only), so
    /// none of it is there. Pairs of sockets stay.
    pub(crate) shares_the_host: bool,
    /// The engine's own files belong to the sandbox's user.
    pub(crate) shares_the_user: bool,
    /// Programs may not choose their processors.
    pub(crate) fixed_processors: bool,
}

fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

/// An argument that points to something.
fn pointer(argument: u8) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)
}

fn unsigned(number: i32) -> u64 {
    u64::from(number.unsigned_abs())
}

impl Filters {
    pub(crate) fn compile(shape: Shape) -> Setup<Self> {
        Self::try_compile(shape).map_err(|error| format!("compile the system call filter: {error}"))
    }

    fn try_compile(shape: Shape) -> Result<Self, seccompiler::BackendError> {
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        let filter = |rules, errno: i32| {
            let refuse = SeccompAction::Errno(errno.unsigned_abs());
            SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).and_then(BpfProgram::try_from)
        };
        let absent = ABSENT.iter().map(|call| (*call, Vec::new())).collect();
        Ok(Self(vec![
            filter(denied(shape)?, libc::EPERM)?,
            filter(absent, libc::ENOSYS)?,
            upper_bound(),
        ]))
    }

    /// Loads the filters; needs no_new_privs.
    pub(crate) fn apply(&self) -> Setup<()> {
        for program in &self.0 {
            apply_filter(program).map_err(|error| format!("load the system call filter: {error}"))?;
        }
        Ok(())
    }
}

fn denied(shape: Shape) -> Result<BTreeMap<c_long, Vec<SeccompRule>>, seccompiler::BackendError> {
    use SeccompCmpOp::{Eq, Ge, MaskedEq, Ne};
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = DENIED
        .iter()
        .chain(DENIED_HERE)
        .map(|call| (*call, Vec::new()))
        .collect();
    if shape.shares_the_host {
        rules.extend(DENIED_WITH_SHARED_NAMES.iter().map(|call| (*call, Vec::new())));
        for call in OF_ONE_PROCESS {
            rules.insert(*call, vec![SeccompRule::new(vec![condition(0, Ne, 0)?])?]);
        }
        for (call, user) in OF_ONE_OR_MANY {
            let all = SeccompRule::new(vec![condition(0, Ge, *user)?])?;
            let another = SeccompRule::new(vec![condition(1, Ne, 0)?])?;
            rules.insert(*call, vec![all, another]);
        }
    }
    if shape.shares_the_user {
        let calls = DENIED_WITH_SHARED_USER.iter().chain(DENIED_WITH_SHARED_USER_HERE);
        rules.extend(calls.map(|call| (*call, Vec::new())));
        rules.insert(libc::SYS_utimensat, vec![SeccompRule::new(vec![pointer(1)?])?]);
    }
    if shape.fixed_processors {
        rules.insert(libc::SYS_sched_setaffinity, Vec::new());
    }
    // The limits of another process, which may be pid 1's.
    let other = SeccompRule::new(vec![condition(0, Ne, 0)?, pointer(2)?])?;
    rules.insert(libc::SYS_prlimit64, vec![other]);
    let mut namespaces = Vec::new();
    for flag in NAMESPACE_FLAGS {
        let flag = unsigned(*flag);
        namespaces.push(SeccompRule::new(vec![condition(0, MaskedEq(flag), flag)?])?);
    }
    rules.insert(libc::SYS_clone, namespaces);
    let other = PERSONALITIES
        .iter()
        .map(|known| condition(0, Ne, *known))
        .collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_personality, vec![SeccompRule::new(other)?]);
    let mut terminal = Vec::new();
    for request in [libc::TIOCSTI, libc::TIOCLINUX] {
        terminal.push(SeccompRule::new(vec![condition(1, Eq, request)?])?);
    }
    rules.insert(libc::SYS_ioctl, terminal);
    let netlink = unsigned(libc::AF_NETLINK);
    let other = SOCKET_FAMILIES
        .iter()
        .map(|family| condition(0, Ne, unsigned(*family)));
    let sockets = if shape.shares_the_host {
        Vec::new()
    } else {
        vec![
            SeccompRule::new(other.collect::<Result<_, _>>()?)?,
            // Of netlink only what lists the own interfaces.
            SeccompRule::new(vec![
                condition(0, Eq, netlink)?,
                condition(2, Ne, unsigned(libc::NETLINK_ROUTE))?,
            ])?,
            SeccompRule::new(vec![
                condition(0, Ge, unsigned(libc::AF_INET))?,
                condition(0, Ne, netlink)?,
                condition(1, MaskedEq(SOCKET_KIND), unsigned(libc::SOCK_RAW))?,
            ])?,
        ]
    };
    rules.insert(libc::SYS_socket, sockets);
    Ok(rules)
}

/// Refuses whatever number is above the newest one known. The compiler of the
/// other filters knows no ranges, so this one is written out.
fn upper_bound() -> BpfProgram {
    const LOAD_WORD: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    let instruction = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        instruction(LOAD_WORD, 0, 0, 0),
        instruction(JUMP_IF_AT_LEAST, 3, 0, X32),
        instruction(JUMP_IF_AT_LEAST, 1, 0, NEWEST_CALL + 1),
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        instruction(
            RETURN,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs(),
        ),
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
    ]
}
