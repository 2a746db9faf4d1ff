using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace ControlPlane.Hosting;

/// <summary>Waits for Redis before the silo starts, and says so in one sentence when it does not come.</summary>
internal sealed class RedisStart(IConnectionMultiplexer redis, IOptions<RedisOptions> options) : IHostedService
{
    /// <summary>Long enough for a Redis that starts together with the silo and loads a million nodes.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        RedisException? last = null;
        try
        {
            while (true)
            {
                try
                {
                    await redis.GetDatabase().PingAsync();
                    return;
                }
                catch (RedisException away)
                {
                    last = away;
                }

                await Task.Delay(Pause, deadline.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StartFailedException(
                $"Redis does not answer at {string.Join(", ", options.Value.Endpoints)}: {last?.Message}", last);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Something that the silo cannot start without is away; the message is for the operator.</summary>
internal sealed class StartFailedException(string message, Exception? inner = null) : Exception(message, inner);
