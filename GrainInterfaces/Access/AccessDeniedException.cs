namespace ControlPlane.Access;

/// <summary>The caller may not do it. Nothing was done; the message says which permission was missing, and by which rule.</summary>
[GenerateSerializer, Alias("ControlPlane.AccessDeniedException")]
public sealed class AccessDeniedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Nobody is authenticated: the call brings no token, or one that is not good. Nothing was done.</summary>
[GenerateSerializer, Alias("ControlPlane.NotAuthenticatedException")]
public sealed class NotAuthenticatedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The caller asks more than it may, or failed to sign in too often. Nothing was done; try again later, after a while.</summary>
[GenerateSerializer, Alias("ControlPlane.TooManyCallsException")]
public sealed class TooManyCallsException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The call could not be recorded before it was made, so it was not made; try again later.</summary>
[GenerateSerializer, Alias("ControlPlane.AuditUnavailableException")]
public sealed class AuditUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
