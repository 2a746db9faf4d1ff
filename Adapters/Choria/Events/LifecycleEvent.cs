namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;

/// <summary>The types of lifecycle events.</summary>
public enum LifecycleKind
{
    Startup = 1,
    Shutdown = 2,
    Provisioned = 3,
    Alive = 4,
    Governor = 5,
    Upgraded = 6,
}

/// <summary>What a component of Choria says of itself on <c>choria.lifecycle.event.&lt;type&gt;.&lt;component&gt;</c>.</summary>
public sealed record LifecycleEvent
{
    public required LifecycleKind Kind { get; init; }

    /// <summary>A UUID. Alive events of one process all have the same: it does not tell duplicates.</summary>
    public required string Id { get; init; }

    /// <summary>Who reports; the subject does not say.</summary>
    public required string Identity { get; init; }

    /// <summary><c>server</c>, <c>provision_mode_server</c> and so on.</summary>
    public required string Component { get; init; }

    /// <summary>Unix seconds. Alive events repeat that of the start of the process.</summary>
    public required long UnixSeconds { get; init; }

    /// <summary>The running version; startup, alive and upgraded have it.</summary>
    public string? Version { get; init; }

    /// <summary>The version that comes next; upgraded only.</summary>
    public string? NewVersion { get; init; }

    /// <summary>The governor's name; governor only, as the two that follow.</summary>
    public string? Governor { get; init; }

    public long? Sequence { get; init; }

    /// <summary><c>enter</c>, <c>exit</c>, <c>timeouts</c> or <c>eviction</c>.</summary>
    public string? GovernorAction { get; init; }

    public DateTimeOffset Time => DateTimeOffset.FromUnixTimeSeconds(UnixSeconds);

    /// <summary>Where it is published.</summary>
    public string Subject => ChoriaSubjects.Lifecycle(LifecycleNames.Of(Kind), Component);

    /// <summary>Reads an event in either form. Never throws for what the payload may hold.</summary>
    public static bool TryDecode(
        ReadOnlySpan<byte> payload, [NotNullWhen(true)] out LifecycleEvent? decoded, [NotNullWhen(false)] out ChoriaFault? fault)
    {
        (decoded, fault) = (null, null);
        try
        {
            decoded = LifecycleReader.Read(payload);
            return true;
        }
        catch (ChoriaFormatException unreadable)
        {
            fault = unreadable.Fault;
            return false;
        }
    }

    /// <summary>As nodes publish it unless told otherwise: a CloudEvent with the native form as its data.</summary>
    public byte[] EncodeCloudEvent() => LifecycleWriter.WriteCloudEvent(this);

    /// <summary>As the provisioner and governors publish theirs.</summary>
    public byte[] EncodeNative() => LifecycleWriter.WriteNative(this);
}

internal static class LifecycleNames
{
    public const string ProtocolPrefix = "io.choria.lifecycle.v1.";
    private const string OldPrefix = "choria:lifecycle:";
    private const string OldSuffix = ":1";

    public static string Of(LifecycleKind kind) => kind switch
    {
        LifecycleKind.Startup => "startup",
        LifecycleKind.Shutdown => "shutdown",
        LifecycleKind.Provisioned => "provisioned",
        LifecycleKind.Alive => "alive",
        LifecycleKind.Governor => "governor",
        LifecycleKind.Upgraded => "upgraded",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a type of lifecycle event"),
    };

    public static LifecycleKind? KindOf(string protocol)
    {
        var name = protocol.StartsWith(ProtocolPrefix, StringComparison.Ordinal) ? protocol[ProtocolPrefix.Length..]
            : protocol.StartsWith(OldPrefix, StringComparison.Ordinal) && protocol.EndsWith(OldSuffix, StringComparison.Ordinal)
                && protocol.Length > OldPrefix.Length + OldSuffix.Length
                ? protocol[OldPrefix.Length..^OldSuffix.Length]
                : "";
        return name switch
        {
            "startup" => LifecycleKind.Startup,
            "shutdown" => LifecycleKind.Shutdown,
            "provisioned" => LifecycleKind.Provisioned,
            "alive" => LifecycleKind.Alive,
            "governor" => LifecycleKind.Governor,
            "upgraded" => LifecycleKind.Upgraded,
            _ => null,
        };
    }
}
