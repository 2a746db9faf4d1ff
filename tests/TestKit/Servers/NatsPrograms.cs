namespace ControlPlane.TestKit;

/// <summary>Which nats-server a <see cref="NatsServer"/> is.</summary>
public static class NatsPrograms
{
    /// <summary>The machine's own, whatever its version.</summary>
    public const string Installed = "nats-server";

    /// <summary>Debian trixie's: the oldest that a distribution carries with auth callouts.</summary>
    public static string WithAuthCallout { get; } = Private("trixie");

    /// <summary>Debian sid's: the newest that can be had.</summary>
    public static string Newest { get; } = Private("sid");

    /// <summary>The command that gets a program, for who lacks it.</summary>
    internal static string Installation(string program) => program == Installed
        ? "sudo apt-get install -y nats-server"
        : "infra/nats-servers.sh";

    private static string Private(string suite) => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache/controlplane/nats-server", suite, "nats-server");
}
