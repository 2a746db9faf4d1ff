namespace NATS.NKeys;

/// <summary>What a key is for; shown by the first letter of its public key.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1028:Enum Storage should be Int32", Justification = "It is that byte.")]
public enum PrefixByte : byte
{
    /// <summary>An account: A….</summary>
    Account = 0,

    /// <summary>A cluster: C….</summary>
    Cluster = 2 << 3,

    /// <summary>A nats-server: N….</summary>
    Server = 13 << 3,

    /// <summary>An operator: O….</summary>
    Operator = 14 << 3,

    /// <summary>A user: U….</summary>
    User = 20 << 3,
}
