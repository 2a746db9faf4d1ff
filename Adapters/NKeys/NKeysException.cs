namespace NATS.NKeys;

/// <summary>A seed that cannot be read. The message never holds the seed.</summary>
public sealed class NKeysException(string message) : Exception(message);
