using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Store;

namespace ControlPlane.Access;

/// <summary>What each silo's chain of a site has come to: the site's own chain, which ties them together.</summary>
/// <remarks>
/// Each silo writes one every minute, and vouches for its own head, which it knows from memory; those of the others are carried on. So who
/// rolls the log back cannot have it signed.
/// </remarks>
public sealed record AuditCheckpoint
{
    public int Schema { get; init; } = AuditRecord.SchemaVersion;

    /// <summary>Its place in the chain of checkpoints.</summary>
    public long Sequence { get; init; }

    /// <summary>The hash of the one before it.</summary>
    public string Previous { get; init; } = "";

    public required string Site { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>The chain of the silo that wrote it.</summary>
    public required string By { get; init; }

    /// <summary>The last records of all chains of the site, by their names.</summary>
    public required IReadOnlyList<AuditHead> Heads { get; init; }

    /// <summary>The Ed25519 public key that it is signed by, in hexadecimal; null when it is not signed.</summary>
    public string? Key { get; init; }

    /// <summary>The signature over <see cref="Statement"/>, in hexadecimal.</summary>
    public string? Signature { get; init; }

    /// <summary>What is signed: a line for each fact.</summary>
    [JsonIgnore]
    public byte[] Statement => Encoding.UTF8.GetBytes(string.Join('\n', new[]
    {
        "controlplane-audit-checkpoint-1", Site, Number(Sequence), Previous, Instant(At), By,
    }.Concat(Heads.Select(head => $"{Number(head.Sequence)} {head.Hash} {Instant(head.LastAt)} {Instant(head.At)} {head.Chain}"))));

    /// <summary>The checkpoint in its place after another, signed where there is a key.</summary>
    internal ChainRecord After(ChainHead head, ISiteSigner signer)
    {
        var placed = this with { Sequence = head.Sequence + 1, Previous = head.Hash, Key = signer.PublicKey };
        var signed = placed.Key is null ? placed : placed with { Signature = signer.Sign(placed.Statement) };
        var body = JsonSerializer.Serialize(signed, AuditJson.Plain.AuditCheckpoint);
        return new ChainRecord(signed.Sequence, HashChain.HashOf(body), body);
    }

    /// <summary>What a record of the chain of checkpoints says; null when it is none.</summary>
    public static AuditCheckpoint? ReadOrNull(string body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, AuditJson.Plain.AuditCheckpoint);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Instant(DateTimeOffset at) => at.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
}

/// <param name="Chain">The chain.</param>
/// <param name="Sequence">Of its last record.</param>
/// <param name="Hash">Of its last record.</param>
/// <param name="LastAt">The time of its last record.</param>
/// <param name="At">When its silo said so.</param>
public sealed record AuditHead(string Chain, long Sequence, string Hash, DateTimeOffset LastAt, DateTimeOffset At);
