using System.Globalization;
using StackExchange.Redis;

namespace ControlPlane.Benchmarks;

/// <summary>What a Redis was asked since it started.</summary>
/// <param name="Commands">How many commands, those of scripts included.</param>
/// <param name="Bytes">How much clients sent.</param>
/// <param name="Calls">How often each command was called.</param>
internal sealed record RedisWork(long Commands, long Bytes, IReadOnlyDictionary<string, long> Calls)
{
    public static async Task<RedisWork> ReadAsync(string connectionString)
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync($"{connectionString},allowAdmin=true");
        var server = redis.GetServers()[0];
        var stats = (await server.InfoAsync("stats")).SelectMany(section => section).ToDictionary(StringComparer.Ordinal);
        var calls = (await server.InfoAsync("commandstats")).SelectMany(section => section).ToDictionary(
            pair => pair.Key["cmdstat_".Length..], pair => Number(pair.Value.Split(',')[0]["calls=".Length..]), StringComparer.Ordinal);
        return new RedisWork(Number(stats["total_commands_processed"]), Number(stats["total_net_input_bytes"]), calls);
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
