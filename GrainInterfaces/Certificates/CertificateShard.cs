namespace ControlPlane.Certificates;

/// <summary>Which <see cref="ICertificateIssuanceGrain"/> an identity's orders go to.</summary>
public static class CertificateShard
{
    /// <summary>Shards of one issuer. Fixed: an order is looked for where it was made.</summary>
    public const int Count = 32;

    /// <summary>The key of the grain that serves an identity: <c>issuer/shard</c>. The same in every process and version.</summary>
    public static string KeyFor(string issuer, string identity) =>
        $"{issuer}/{StableHash.Bucket(identity, Count)}";
}
