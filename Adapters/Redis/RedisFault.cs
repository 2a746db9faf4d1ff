using System.Text.Json;
using ControlPlane.Certificates;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Redis;

/// <summary>Tells what a call of Redis throws in the words of the ports.</summary>
internal static class RedisFault
{
    /// <summary>Does what a port is asked for.</summary>
    /// <param name="store">What is kept there, for the message.</param>
    /// <param name="call">The calls of Redis, and the reading of their answers.</param>
    /// <exception cref="LedgerUnavailableException">It failed.</exception>
    public static async Task<T> TranslateAsync<T>(string store, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception unreadable) when (IsForeign(unreadable))
        {
            throw new LedgerUnavailableException(
                $"{store} holds something that was not written by us; another program may use the same database of Redis", unreadable);
        }
        catch (Exception away) when (IsAway(away))
        {
            throw new LedgerUnavailableException($"{store} did not answer: {away.GetType().Name}", away);
        }
    }

    /// <summary>Whether what is stored is something that was not written by us.</summary>
    public static bool IsForeign(Exception fault) =>
        fault is JsonException or InvalidCastException or FormatException or OverflowException;

    /// <summary>Whether Redis did not do what it was asked.</summary>
    /// <remarks>Of a command that is not even sent, to a replica or to a closed connection, the client says so in other ways.</remarks>
    public static bool IsAway(Exception fault) =>
        fault is RedisException or RedisTimeoutException or RedisCommandException or ObjectDisposedException;
}
