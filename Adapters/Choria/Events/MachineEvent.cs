namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;

/// <summary>What an autonomous agent says of itself: a transition, or the state of one of its watchers.</summary>
public sealed record MachineEvent
{
    /// <summary>The node.</summary>
    public required string Identity { get; init; }

    /// <summary>The instance of the agent; another after each start.</summary>
    public required string InstanceId { get; init; }

    /// <summary>The agent's name.</summary>
    public required string Machine { get; init; }

    /// <summary>The agent's version.</summary>
    public required string MachineVersion { get; init; }

    /// <summary>When the event was made, by the node's clock.</summary>
    public required long UnixSeconds { get; init; }

    /// <inheritdoc cref="UnixSeconds"/>
    public DateTimeOffset Time => DateTimeOffset.FromUnixTimeSeconds(UnixSeconds);

    /// <summary>The kind of watcher, such as <c>nagios</c>; null for a transition.</summary>
    public string? WatcherType { get; init; }

    /// <summary>The watcher's name; null for a transition.</summary>
    public string? Watcher { get; init; }

    /// <summary>The transition and the states around it; null for a watcher.</summary>
    public MachineTransition? Transition { get; init; }

    /// <summary>The event's own JSON object, with what each kind of watcher adds.</summary>
    public required ReadOnlyMemory<byte> Json { get; init; }

    /// <summary>Reads an event, a CloudEvent or native. Never throws for what the payload may hold.</summary>
    public static bool TryDecode(
        ReadOnlySpan<byte> payload, [NotNullWhen(true)] out MachineEvent? decoded, [NotNullWhen(false)] out ChoriaFault? fault)
    {
        (decoded, fault) = (null, null);
        try
        {
            decoded = MachineEventReader.Read(payload);
            return true;
        }
        catch (ChoriaFormatException unreadable)
        {
            fault = unreadable.Fault;
            return false;
        }
    }
}

public sealed record MachineTransition(string Name, string FromState, string ToState);

internal static class MachineEventReader
{
    private const string TransitionProtocol = "io.choria.machine.v1.transition";
    private const string WatcherPrefix = "io.choria.machine.watcher.";
    private const string WatcherSuffix = ".v1.state";

    private static readonly WireFields Fields = new(
        ["protocol", "identity", "id", "version", "timestamp", "machine"], ["type", "name", "transition", "from_state", "to_state"]);

    // What DateTimeOffset can hold: the years 1 and 9999.
    private static readonly long SecondsMin = DateTimeOffset.MinValue.ToUnixTimeSeconds();
    private static readonly long SecondsMax = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    public static MachineEvent Read(ReadOnlySpan<byte> payload)
    {
        var wrapped = CloudEventReader.Open(payload, ChoriaLayer.MachineEvent);
        var cursor = new WireCursor(wrapped.Data, ChoriaLayer.MachineEvent);
        var texts = new Dictionary<string, string>(Fields.Count);
        var seconds = 0L;
        var seen = 0u;
        cursor.Begin();
        while (cursor.NextField(Fields, ref seen))
        {
            if (cursor.Field == "timestamp")
            {
                seconds = cursor.ReadInteger(SecondsMin, SecondsMax);
            }
            else
            {
                texts[cursor.Field] = cursor.ReadName();
            }
        }

        cursor.End();
        RequireAgreement(wrapped, texts);
        return Make(texts, seconds, wrapped.Data);
    }

    private static MachineEvent Make(Dictionary<string, string> texts, long seconds, ReadOnlySpan<byte> json)
    {
        var isTransition = texts["protocol"] == TransitionProtocol;
        return new MachineEvent
        {
            Identity = texts["identity"],
            InstanceId = texts["id"],
            Machine = texts["machine"],
            MachineVersion = texts["version"],
            UnixSeconds = seconds,
            WatcherType = isTransition ? null : texts["protocol"][WatcherPrefix.Length..^WatcherSuffix.Length],
            Watcher = isTransition ? null : texts.GetValueOrDefault("name"),
            Transition = isTransition
                ? new MachineTransition(Required(texts, "transition"), Required(texts, "from_state"), Required(texts, "to_state"))
                : null,
            Json = json.ToArray(),
        };
    }

    private static void RequireAgreement(CloudEvent wrapped, Dictionary<string, string> texts)
    {
        var protocol = texts["protocol"];
        var isWatcher = protocol.Length > WatcherPrefix.Length + WatcherSuffix.Length
            && protocol.StartsWith(WatcherPrefix, StringComparison.Ordinal)
            && protocol.EndsWith(WatcherSuffix, StringComparison.Ordinal);
        if (!isWatcher && protocol != TransitionProtocol)
        {
            throw Fault("protocol", "is not that of a machine event");
        }

        if (texts["identity"].Length == 0)
        {
            throw Fault("identity", "is empty");
        }

        if (wrapped.Type is not null && wrapped.Type != protocol)
        {
            throw Fault("type", "is not that of the data");
        }

        if (wrapped.Subject is not null && wrapped.Subject != texts["identity"])
        {
            throw Fault("subject", "is not the identity in the data");
        }
    }

    private static string Required(Dictionary<string, string> texts, string field) =>
        texts.TryGetValue(field, out var text) ? text : throw Fault(field, "is missing");

    private static ChoriaFormatException Fault(string field, string problem) =>
        new(new ChoriaFault(ChoriaLayer.MachineEvent, field, problem));
}
