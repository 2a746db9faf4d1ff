namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

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
        ReadOnlySpan<byte> payload, [NotNullWhen(true)] out MachineEvent? decoded, [NotNullWhen(false)] out ChoriaFault? fault) =>
        WireJson.TryRead(payload, MachineEventReader.Read, out decoded, out fault);
}

public sealed record MachineTransition(string Name, string FromState, string ToState);

/// <summary>The native form of an event of either kind.</summary>
internal sealed record MachineEventJson(
    [property: JsonConverter(typeof(NameText))] string Protocol,
    [property: JsonConverter(typeof(NonEmptyName))] string Identity,
    [property: JsonConverter(typeof(NameText))] string Id,
    [property: JsonConverter(typeof(NameText))] string Version,
    [property: JsonConverter(typeof(UnixSecondsConverter))] long Timestamp,
    [property: JsonConverter(typeof(NameText))] string Machine,
    [property: JsonConverter(typeof(NameText))] string? Name = null,
    [property: JsonConverter(typeof(NameText))] string? Transition = null,
    [property: JsonConverter(typeof(NameText))] string? FromState = null,
    [property: JsonConverter(typeof(NameText))] string? ToState = null);

internal static class MachineEventReader
{
    private const string TransitionProtocol = "io.choria.machine.v1.transition";
    private const string WatcherPrefix = "io.choria.machine.watcher.";
    private const string WatcherSuffix = ".v1.state";

    public static MachineEvent Read(ReadOnlySpan<byte> payload)
    {
        var data = CloudEvent.Open(payload, ChoriaLayer.MachineEvent, out var type, out var subject);
        var json = WireJson.Read(data, WireJson.Types.MachineEventJson, ChoriaLayer.MachineEvent);
        var watcher = WatcherOf(json.Protocol);
        Require(watcher is not null || json.Protocol == TransitionProtocol, "protocol", "is not that of a machine event");
        Require(type is null || type == json.Protocol, "type", "is not that of the data");
        Require(subject is null || subject == json.Identity, "subject", "is not the identity in the data");
        return new MachineEvent
        {
            Identity = json.Identity,
            InstanceId = json.Id,
            Machine = json.Machine,
            MachineVersion = json.Version,
            UnixSeconds = json.Timestamp,
            WatcherType = watcher,
            Watcher = watcher is null ? null : json.Name,
            Transition = watcher is null ? TransitionOf(json) : null,
            Json = data.ToArray(),
        };
    }

    private static string? WatcherOf(string protocol) =>
        protocol.Length > WatcherPrefix.Length + WatcherSuffix.Length
            && protocol.StartsWith(WatcherPrefix, StringComparison.Ordinal)
            && protocol.EndsWith(WatcherSuffix, StringComparison.Ordinal)
                ? protocol[WatcherPrefix.Length..^WatcherSuffix.Length]
                : null;

    private static MachineTransition TransitionOf(MachineEventJson json)
    {
        Require(json.Transition is not null, "transition", "is missing");
        Require(json.FromState is not null, "from_state", "is missing");
        Require(json.ToState is not null, "to_state", "is missing");
        return new MachineTransition(json.Transition, json.FromState, json.ToState);
    }

    private static void Require([DoesNotReturnIf(false)] bool holds, string field, string problem) =>
        WireJson.Require(holds, ChoriaLayer.MachineEvent, field, problem);
}
