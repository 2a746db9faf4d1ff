using System.IO.Hashing;
using System.Text;
using ControlPlane.Nodes;

namespace ControlPlane.Fleet;

/// <summary>
/// Decides which signs of life the node's own grain must judge: those that show something else than the ones before. Pure but for the
/// heartbeats.
/// </summary>
internal static class Sightings
{
    /// <summary>What is to be judged, with the digest to remember once it was; null when the sign of life shows nothing new.</summary>
    public static (NodeSighting Sighting, ulong Digest)? Of(NodeHeartbeats heartbeats, FleetEvent heard) => heard.Kind switch
    {
        FleetEventKind.Registration when heard.Registration is { } registration => OfRegistration(heartbeats, heard, registration),
        FleetEventKind.Alive when heard.EventId is { } id => OfProcess(heartbeats, heard, id),
        _ => null,
    };

    private static (NodeSighting, ulong)? OfRegistration(NodeHeartbeats heartbeats, FleetEvent heard, NodeRegistration registration)
    {
        var machine = registration.Inventory?.MachineId;
        var digest = Digest($"{registration.KeyFingerprint}|{machine}|{registration.Standing}");
        return digest == heartbeats.Sighting
            ? null
            : (new NodeSighting(
                heard.Network,
                registration.Place,
                registration.KeyFingerprint,
                registration.Standing,
                machine,
                OtherPlace: null,
                heard.ReceivedAt), digest);
    }

    private static (NodeSighting, ulong)? OfProcess(NodeHeartbeats heartbeats, FleetEvent heard, string id)
    {
        var before = heartbeats.Processes;
        heartbeats.Processes = before.After(Digest(id), heard.OccurredAt.ToUnixTimeSeconds(), out var areTwo);
        return areTwo
            ? (new NodeSighting(
                heard.Network, Process(heard.OccurredAt), null, CredentialStatus.None, null,
                Process(DateTimeOffset.FromUnixTimeSeconds(before.CurrentSince)), heard.ReceivedAt), heartbeats.Sighting)
            : null;
    }

    private static string Process(DateTimeOffset startedAt) => $"a process that started {startedAt:u}";

    private static ulong Digest(string text) => XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(text));
}
