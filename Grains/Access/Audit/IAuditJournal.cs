using ControlPlane.Store;

namespace ControlPlane.Access;

/// <summary>The last records of this silo's chain, on a disk of its machine: what its power does not take.</summary>
/// <remarks>Used by one caller at a time. What it throws is told to operators as it is; nothing may be taken as written then.</remarks>
public interface IAuditJournal
{
    /// <summary>Whether there is one: without, only the brokers keep the record.</summary>
    bool IsKept { get; }

    /// <summary>What it holds, oldest first.</summary>
    /// <exception cref="IOException">It cannot be read, or is another silo's.</exception>
    IReadOnlyList<ChainRecord> Read(string chain);

    /// <summary>Writes records at the end; when it returns they are on the disk.</summary>
    /// <exception cref="IOException">They are not, or nobody knows.</exception>
    void Append(string chain, IReadOnlyList<ChainRecord> records);

    /// <summary>The log has everything up to a sequence: what is older than a while may go.</summary>
    void Confirm(long through);
}

/// <summary>No journal.</summary>
public sealed class NoAuditJournal : IAuditJournal
{
    public bool IsKept => false;

    public IReadOnlyList<ChainRecord> Read(string chain) => [];

    public void Append(string chain, IReadOnlyList<ChainRecord> records)
    {
    }

    public void Confirm(long through)
    {
    }
}

/// <summary>
/// Lets calls go on that only the machine's journal records, while the log is away: an operator with a shell on the machine switches it.
/// </summary>
public interface IBreakGlass
{
    /// <summary>Whether it is switched on now.</summary>
    bool IsOn { get; }
}

/// <summary>Signs in the name of the site. Thread-safe.</summary>
public interface ISiteSigner
{
    /// <summary>The Ed25519 public key, in hexadecimal; null when there is no key, and nothing is signed.</summary>
    string? PublicKey { get; }

    /// <summary>The signature over bytes, in hexadecimal.</summary>
    string Sign(ReadOnlySpan<byte> bytes);
}

/// <param name="Overlay">The site.</param>
/// <param name="Chain">The chain of this silo, by a name that it keeps when it starts again and no other silo of the site has.</param>
public sealed record AuditSite(string Overlay, string Chain);
