namespace ControlPlane.Store;

/// <summary>What a record or a value may hold.</summary>
public static class StoreLimits
{
    /// <summary>
    /// What brokers take unless they are told otherwise, less 64 KiB for headers: one that is given more ends the connection.
    /// </summary>
    public const int ContentBytesMax = 960 * 1024;

    /// <summary>Of a topic or a key, in bytes: two of them stay below the longest line that brokers take, whatever the letters.</summary>
    public const int NameBytesMax = 512;
}

/// <summary>The overlay's brokers do not keep or give what is stored there now; it may heal.</summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Somebody else has written since the position or the revision was read that a write expected.</summary>
public sealed class StoreConflictException(string message, Exception? inner = null) : Exception(message, inner);
