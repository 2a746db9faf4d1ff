using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.FleetSimulator;

/// <summary>One line of a report: what a node was at the end. The names are what other programs read: do not change them.</summary>
public sealed record NodeReport(
    string Identity,
    string Protocol,
    string Fault,
    bool MayArrive,
    string Stage,
    string? Network,
    string? PublicKeyFingerprint,
    string? Ed25519PublicKey,
    string? CertificateSerial,
    DateTimeOffset? AnnouncedAt,
    DateTimeOffset? ArrivedAt,
    int Starts,
    int JwtCalls,
    int Gen25519Calls,
    int GencsrCalls,
    int ConfigureCalls,
    int RestartCalls,
    string? Problem)
{
    public static NodeReport Of(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return new NodeReport(
            node.Identity,
            node.Protocol.ToString(),
            node.Fault.ToString(),
            node.MayArrive,
            node.Stage.ToString(),
            node.Network,
            node.PublicKeyFingerprint,
            node.Ed25519PublicKey,
            node.CertificateSerial,
            node.AnnouncedAt,
            node.ArrivedAt,
            node.Starts,
            node.JwtCalls,
            node.Gen25519Calls,
            node.GencsrCalls,
            node.ConfigureCalls,
            node.RestartCalls,
            node.Problem);
    }
}

/// <summary>Writes the report of a fleet: one JSON object a line and node.</summary>
public static class FleetReport
{
    private const byte LineFeed = (byte)'\n';

    public static async Task WriteAsync(IEnumerable<SimulatedNode> nodes, string path, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        await using var file = new BufferedStream(File.Create(path));
        foreach (var node in nodes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            file.Write(JsonSerializer.SerializeToUtf8Bytes(NodeReport.Of(node), FleetReportJson.Default.NodeReport));
            file.WriteByte(LineFeed);
        }

        await file.FlushAsync(cancellationToken);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NodeReport))]
internal sealed partial class FleetReportJson : JsonSerializerContext;
